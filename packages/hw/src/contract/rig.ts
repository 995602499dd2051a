/** One device on a bench: its own time, recorded wires, a little memory for DMA, and a log of what a guest saw. */
import { AddressSpace, type IoHandlers } from '@godwit/memory'
import { loadBytes, saveBytes, type VMState } from '@godwit/vmstate'
import type { DeviceDef, Model } from '../device.ts'
import { build, type Device } from '../device.ts'
import { wire, type IrqLine } from '../irq.ts'
import { handlersOf, type Regs } from '../reg.ts'
import { manualTime, type ManualTime } from '../testing/index.ts'
import type { Rng } from './rng.ts'

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyDef = DeviceDef<any, any, any, any>

/** What a custom storm may use besides the model. */
export interface Bench {
  readonly time: ManualTime
  /** Writes down something the guest saw; both devices must see the same. */
  saw(value: number | bigint | string): void
}

export interface RigOptions {
  readonly props?: Readonly<Record<string, unknown>> | undefined
  readonly storm?: ((rng: Rng, model: never, bench: Bench) => void) | undefined
  readonly connect?: ((model: never, bench: Bench) => void) | undefined
  readonly io?: ((model: never) => readonly Regs[]) | undefined
}

const RAM_SIZE = 0x1_0000
/** A device must start from this time as well as from zero. */
const START_NS = 1_000_000_000n

export interface Rig extends Bench {
  readonly device: Device<Record<string, unknown>>
  readonly model: Model
  readonly wires: ReadonlyMap<string, IrqLine>
  readonly ram: Uint8Array
  readonly log: string[]
  /** Register tables, each with its handlers. */
  readonly tables: readonly { regs: Regs; io: IoHandlers }[]
  /** One random thing: an access, an input that changes, or time that passes (at most a millisecond). */
  step(rng: Rng): void
  access(rng: Rng): void
  save(): Uint8Array
  /** Loads a state that `from` saved, as a migration does. */
  take(from: Rig, bytes: Uint8Array, inputsFirst: boolean): void
  levels(): Record<string, boolean>
}

export function rigOf(def: AnyDef, options: RigOptions): Rig {
  const time = manualTime(START_NS)
  const log: string[] = []
  const saw = (value: number | bigint | string): void => {
    log.push(`${time.virtual.now()} saw ${value}`)
  }
  const ram = new Uint8Array(RAM_SIZE)
  const wires = new Map<string, IrqLine>()
  for (const name of def.wires as readonly string[]) {
    wires.set(
      name,
      wire((level) => {
        log.push(`${time.virtual.now()} ${name} ${level ? 'up' : 'down'}`)
      }),
    )
  }
  const device = build(def, {
    time,
    dma: memoryOf(ram),
    wires: Object.fromEntries(wires),
    ...(options.props === undefined ? {} : { props: options.props }),
  }) as Device<Record<string, unknown>>
  const model = device.model
  options.connect?.(model as never, { time, saw })
  model.reset()
  const regs = options.io?.(model as never) ?? (model.io === undefined ? [] : [model.io])
  const tables = regs.map((r) => ({ regs: r, io: handlersOf(r, model.sizes) }))
  const inputs = Object.entries(model.inputs ?? {})

  function access(rng: Rng): void {
    if (options.storm !== undefined) {
      options.storm(rng, model as never, rig)
      return
    }
    if (tables.length === 0) return
    const table = rng.pick(tables)
    const r = rng.pick(Object.values(table.regs))
    const size = rng.pick(sizesOf(model))
    const at = r.offset + (size > r.width ? 0 : rng.below(r.width / size) * size)
    if (rng.chance(0.4)) saw(table.io.read(at, size))
    else table.io.write(at, size, rng.value(size))
  }

  const rig: Rig = {
    time,
    saw,
    device,
    model,
    wires,
    ram,
    log,
    tables,
    access,
    step(rng) {
      const kind = rng.below(20)
      if (kind < 12) access(rng)
      else if (kind < 15 && inputs.length > 0) rng.pick(inputs)[1].set(rng.chance(0.5))
      else time.advance(BigInt(rng.below(10 ** rng.below(7)) + 1))
    },
    save() {
      model.beforeSave?.()
      return saveBytes(vmstateOf(def), device.state as never)
    },
    take(from, bytes, inputsFirst) {
      const restoreInputs = (): void => {
        for (const [name, line] of inputs) line.restore(from.model.inputs![name]!.level)
      }
      ram.set(from.ram)
      time.set(from.time.virtual.now())
      const vmstate = vmstateOf(def)
      loadBytes(vmstate, device.state as never, bytes)
      if (inputsFirst) restoreInputs()
      model.afterLoad?.(vmstate.version)
      if (!inputsFirst) restoreInputs()
    },
    levels: () => Object.fromEntries([...wires].map(([name, line]) => [name, line.level])),
  }
  return rig
}

/** The description, for a state whose type is not known here. */
export function vmstateOf(def: AnyDef): VMState<never> {
  return def.vmstate as unknown as VMState<never>
}

/** Access sizes that the model's registers take. */
export function sizesOf(model: Model): readonly (1 | 2 | 4)[] {
  const { min, max } = model.sizes ?? { min: 1, max: 4 }
  return ([1, 2, 4] as const).filter((size) => size >= min && size <= max)
}

function memoryOf(ram: Uint8Array): AddressSpace {
  const space = new AddressSpace('dma of the contract suite')
  space.add({
    kind: 'io',
    name: 'ram',
    base: 0,
    size: ram.length,
    io: {
      sizes: { min: 1, max: 1 },
      read: (offset) => ram[offset]!,
      write(offset, _size, value) {
        ram[offset] = value
      },
    },
  })
  return space
}
