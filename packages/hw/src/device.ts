import type { AddressSpace, IoHandlers } from '@godwit/memory'
import type { VMState } from '@godwit/vmstate'
import type { Time } from './clock.ts'
import type { IrqLine } from './irq.ts'
import { defaultsOf, type Props, type PropValues } from './prop.ts'
import type { Regs } from './reg.ts'
import { unconnected } from './irq.ts'

/** What a device is given by its board. */
export interface Env<S, P extends Props, W extends string> {
  readonly state: S
  readonly props: PropValues<P>
  readonly time: Time
  /** Output wires by name. */
  readonly wires: Readonly<Record<W, IrqLine>>
  /** Guest memory as the device's DMA sees it. */
  readonly dma: AddressSpace
  /** Says that something worth knowing happened; free when nobody listens. */
  readonly trace: (event: string, detail?: Readonly<Record<string, number | bigint | string | boolean>>) => void
}

/** What the board, the bus and the migration need of a device that runs. */
export interface Model {
  /** Ports or memory registers. */
  readonly io?: Regs
  /** Access sizes the registers take; the address space splits or widens others. Default 1 to 4. */
  readonly sizes?: IoHandlers['sizes']
  /** Input wires by name. */
  readonly inputs?: Readonly<Record<string, IrqLine>>
  reset(): void
  /** Brings the state object up to the moment, before it is written. Changes nothing the guest can see. */
  beforeSave?(): void
  /** After a state was loaded: sets timers again and restores wires without an edge. */
  afterLoad?(version: number): void
}

/** A device's definition: one per model of chip, none per board. */
export interface DeviceDef<S, P extends Props, W extends string, M extends Model> {
  /** QEMU's type name: compat properties and options use it. */
  readonly type: string
  readonly doc: string
  readonly props: P
  /** Names of the output wires. */
  readonly wires: readonly W[]
  state(props: PropValues<P>): S
  readonly vmstate: VMState<S> | 'stateless'
  create(env: Env<S, P, W>): M
}

export function device<S, const P extends Props, const W extends string, M extends Model>(
  def: DeviceDef<S, P, W, M>,
): DeviceDef<S, P, W, M> {
  return def
}

/** A device that has been built. */
export interface Device<S = unknown, M extends Model = Model> {
  readonly type: string
  readonly state: S
  readonly model: M
  readonly vmstate: VMState<S> | 'stateless'
}

export interface BuildOptions<P extends Props, W extends string> {
  readonly time: Time
  readonly dma: AddressSpace
  /** Wires not named lead nowhere. */
  readonly wires?: Partial<Record<W, IrqLine>>
  readonly props?: Partial<PropValues<P>>
  readonly trace?: Env<never, P, W>['trace']
}

/** Builds a device on a board. */
export function build<S, P extends Props, W extends string, M extends Model>(
  def: DeviceDef<S, P, W, M>,
  options: BuildOptions<P, W>,
): Device<S, M> {
  const props = { ...defaultsOf(def.props), ...options.props }
  const state = def.state(props)
  const wires = Object.fromEntries(def.wires.map((w) => [w, options.wires?.[w] ?? unconnected()])) as Record<W, IrqLine>
  const model = def.create({
    state,
    props,
    time: options.time,
    wires,
    dma: options.dma,
    trace: options.trace ?? (() => undefined),
  })
  return { type: def.type, state, model, vmstate: def.vmstate }
}
