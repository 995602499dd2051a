/** One wire. A level that does not change makes no edge. */
export interface IrqLine {
  readonly level: boolean
  set(level: boolean): void
  raise(): void
  lower(): void
  /**
   * Sets the level, here and on the wires behind, without telling the chip at the end: after loading, the far end has
   * its own copy of what it saw.
   */
  restore(level: boolean): void
}

class Wire implements IrqLine {
  level = false
  private readonly sink: (level: boolean) => void
  private readonly restored: ((level: boolean) => void) | undefined

  constructor(sink: (level: boolean) => void, restored?: (level: boolean) => void) {
    this.sink = sink
    this.restored = restored
  }

  set(level: boolean): void {
    if (level === this.level) return
    this.level = level
    this.sink(level)
  }

  raise(): void {
    this.set(true)
  }

  lower(): void {
    this.set(false)
  }

  restore(level: boolean): void {
    this.level = level
    this.restored?.(level)
  }
}

/** A wire into a function that is told of each change; `restored` is for what stands between two wires. */
export function wire(sink: (level: boolean) => void, restored?: (level: boolean) => void): IrqLine {
  return new Wire(sink, restored)
}

/** A wire that leads nowhere. */
export const unconnected = (): IrqLine => wire(() => undefined)

/** One wire that drives several. */
export function fanOut(lines: readonly IrqLine[]): IrqLine {
  return wire(
    (level) => {
      for (const line of lines) line.set(level)
    },
    (level) => {
      for (const line of lines) line.restore(level)
    },
  )
}

/** Several wires that drive one: it is up while any of them is. Each call adds a wire. */
export function joined(line: IrqLine): () => IrqLine {
  const sources: IrqLine[] = []
  const up = (): boolean => sources.some((s) => s.level)
  return () => {
    const source = wire(
      () => line.set(up()),
      () => line.restore(up()),
    )
    sources.push(source)
    return source
  }
}
