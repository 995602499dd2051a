import {
  build,
  defaultsOf,
  handlersOf,
  type Device,
  type DeviceDef,
  type IrqLine,
  type Model,
  type Props,
  type PropValues,
  type Regs,
  type Time,
} from '@godwit/hw'
import type { AddressSpace, IoHandlers, Mapping } from '@godwit/memory'
import type { AnyVMState } from '@godwit/vmstate'
import { parentsOf } from './parents.ts'

/** Properties of devices by type and name, as text: from machine versions and from the command line. */
export type PropTexts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** One section of the machine's state. */
export interface Section {
  readonly idstr: string
  readonly instance: number
  readonly version: number
  readonly vmstate: AnyVMState
  readonly state: object
  beforeSave?(): void
  afterLoad?(version: number): void
}

interface Placed {
  readonly id: string
  readonly device: Device
  readonly props: Readonly<Record<string, unknown>>
}

/** A board that is wired wrongly, or a property that no device has. */
export class BoardError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BoardError'
  }
}

export interface PortOptions {
  /** The registers are meant to lie over another device's. */
  readonly over?: boolean
  /** Access sizes the device takes. */
  readonly sizes?: IoHandlers['sizes']
}

/** Devices, where they are mapped, and how they are wired. */
export class Board {
  readonly time: Time
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  private readonly texts: PropTexts
  private readonly trace: ((event: string, detail?: object) => void) | undefined
  private readonly placed: Placed[] = []
  private readonly taken: { readonly id: string; readonly base: number; readonly size: number }[] = []

  constructor(options: {
    time: Time
    memory: AddressSpace
    ports: AddressSpace
    props: PropTexts
    trace?: ((event: string, detail?: object) => void) | undefined
  }) {
    this.time = options.time
    this.memory = options.memory
    this.ports = options.ports
    this.texts = options.props
    this.trace = options.trace
  }

  /** Builds a device. Properties come from its definition, then the machine version, then `props`. */
  add<S, P extends Props, W extends string, M extends Model>(
    id: string,
    def: DeviceDef<S, P, W, M>,
    options: { wires?: Partial<Record<W, IrqLine>>; props?: Partial<PropValues<P>> } = {},
  ): Device<S, M> {
    if (this.placed.some((p) => p.id === id)) throw new BoardError(`two devices are called ${id}`)
    const props = { ...defaultsOf(def.props), ...this.propsOf(def), ...options.props }
    const device = build(def, {
      time: this.time,
      dma: this.memory,
      wires: options.wires ?? {},
      props,
      ...(this.trace === undefined ? {} : { trace: this.trace }),
    })
    this.placed.push({ id, device, props })
    return device
  }

  /**
   * Maps registers at a port; gaps between them stay free. A clash names both devices, unless the registers are meant
   * to lie over another's.
   */
  mapPorts(id: string, base: number, regs: Regs, options: PortOptions = {}): void {
    const io = handlersOf(regs, options.sizes)
    for (const { from, size } of runsOf(regs)) {
      const part: IoHandlers = {
        ...(options.sizes === undefined ? {} : { sizes: options.sizes }),
        read: (offset, n) => io.read(offset + from, n),
        write: (offset, n, value) => io.write(offset + from, n, value),
      }
      this.mapHandlers(id, base + from, from === 0 ? io : part, size, options)
    }
  }

  mapHandlers(id: string, base: number, io: IoHandlers, size: number, { over = false } = {}): Mapping {
    const clash = this.taken.find((t) => base < t.base + t.size && t.base < base + size)
    if (clash !== undefined && !over) {
      throw new BoardError(`port 0x${base.toString(16)} of ${id} is taken by ${clash.id}`)
    }
    this.taken.push({ id, base, size })
    return this.ports.add({ kind: 'io', name: id, base, size, io, priority: over ? 1 : 0 })
  }

  mapMemory(id: string, base: number, regs: Regs, size: number, priority = 0): Mapping {
    return this.memory.add({ kind: 'io', name: id, base, size, priority, io: handlersOf(regs) })
  }

  /** Every device with its resolved properties, in the order they were placed. */
  devices(): readonly {
    readonly id: string
    readonly type: string
    readonly props: Readonly<Record<string, unknown>>
  }[] {
    return this.placed.map(({ id, device, props }) => ({ id, type: device.type, props }))
  }

  /** The section of a device. */
  section<S, M extends Model>(device: Device<S, M>, idstr?: string, instance = 0): Section {
    const { vmstate, model } = device
    if (vmstate === 'stateless') throw new BoardError(`${device.type} has no state`)
    return {
      idstr: idstr ?? vmstate.name,
      instance,
      version: vmstate.version,
      vmstate,
      state: device.state as object,
      ...(model.beforeSave === undefined ? {} : { beforeSave: () => model.beforeSave!() }),
      ...(model.afterLoad === undefined ? {} : { afterLoad: (v: number) => model.afterLoad!(v) }),
    }
  }

  reset(): void {
    for (const { device } of this.placed) device.model.reset()
  }

  /** What the machine version says of a device type's properties. */
  propsOf<P extends Props>(def: { readonly type: string; readonly props: P }): Partial<PropValues<P>> {
    const values: Record<string, unknown> = {}
    // What is said of a parent type holds for all below it; what is said of the type itself wins.
    const types = [...parentsOf(def.type)].reverse().concat(def.type)
    for (const [name, text] of types.flatMap((t) => Object.entries(this.texts[t] ?? {}))) {
      const prop = def.props[name]
      if (prop === undefined) continue // one without effect here: unmodelled.ts has its reason
      try {
        values[name] = prop.parse(text)
      } catch (e) {
        throw new BoardError(`property ${def.type}.${name}: ${(e as Error).message}`)
      }
    }
    return values as Partial<PropValues<P>>
  }
}

/** Stretches of offsets that registers cover without a gap. */
function runsOf(regs: Regs): { from: number; size: number }[] {
  const runs: { from: number; size: number }[] = []
  for (const r of Object.values(regs).sort((a, b) => a.offset - b.offset)) {
    const last = runs.at(-1)
    if (last !== undefined && r.offset <= last.from + last.size) {
      last.size = Math.max(last.size, r.offset + r.width - last.from)
    } else {
      runs.push({ from: r.offset, size: r.width })
    }
  }
  return runs
}
