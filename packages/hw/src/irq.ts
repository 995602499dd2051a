/** One wire. A level that does not change makes no edge. */
export interface IrqLine {
  readonly level: boolean
  set(level: boolean): void
  raise(): void
  lower(): void
  /** Sets the level without telling anybody: after loading, the far end has its own copy of what it saw. */
  restore(level: boolean): void
}

class Wire implements IrqLine {
  level = false
  private readonly sink: (level: boolean) => void

  constructor(sink: (level: boolean) => void) {
    this.sink = sink
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
  }
}

/** A wire into a function that is told of each change. */
export function wire(sink: (level: boolean) => void): IrqLine {
  return new Wire(sink)
}

/** A wire that leads nowhere. */
export const unconnected = (): IrqLine => wire(() => undefined)

class FanOut extends Wire {
  private readonly lines: readonly IrqLine[]

  constructor(lines: readonly IrqLine[]) {
    super((level) => {
      for (const line of lines) line.set(level)
    })
    this.lines = lines
  }

  override restore(level: boolean): void {
    super.restore(level)
    for (const line of this.lines) line.restore(level)
  }
}

/** One wire that drives several; restoring it restores them. */
export function fanOut(lines: readonly IrqLine[]): IrqLine {
  return new FanOut(lines)
}
