/** Sections of the machine as a whole: its clocks, its run state, and whether firmware has taken the ACPI tables. */
import { cpuCommonVmstate, cpuVmstate, newCpuCommonWire, newCpuWire, type Processor } from '@godwit/cpu-x86'
import { born, buffer, i64, named, since, u32, u8, unused, type AnyVMState, type VMState } from '@godwit/vmstate'
import type { Section } from './board.ts'
import { checkFeatures } from './cpu-features.ts'
import type { MachineTime } from './machine-time.ts'

export interface TimerState {
  /** The guest's TSC when it was stopped. */
  cpu_ticks_offset: bigint
  /** Virtual time when it was stopped, ns. */
  cpu_clock_offset: bigint
}

/** Virtual time that leaves room for every timer: 146 years. */
const LATEST_NS = 1n << 62n

export const timerVmstate: VMState<TimerState> = {
  name: 'timer',
  version: 2,
  minVersion: 1,
  life: {
    born: '0.6.0',
    versions: { 2: '0.9.0' },
    dead: {
      dummy: { wire: 'int64', born: '0.6.0', died: '3.1', became: 'unused@0' },
    },
  },
  fields: {
    cpu_ticks_offset: i64,
    unused0: unused(8, {
      born: '3.1',
      was: 'clock ticks per second; 0 since 0.12',
      lastWriter: '0.11',
      unversioned: ['every board without versions'],
    }),
    cpu_clock_offset: since(2, i64),
  },
  postLoad(s) {
    const ns = s.cpu_clock_offset
    if (ns < 0n || ns > LATEST_NS) throw new RangeError(`cpu_clock_offset of 0 to 2^62 ns, came ${ns}`)
  },
}

const RUN_STATE_BYTES = 32

export interface GlobalState {
  /** Bytes of the name with its NUL. */
  size: number
  runstate: Uint8Array
  has_vm_was_suspended: number
  vm_was_suspended: number
  rest: Uint8Array
}

export const globalStateVmstate: VMState<GlobalState> = {
  name: 'globalstate',
  version: 1,
  minVersion: 1,
  life: { born: '2.4', gate: { type: 'migration', property: 'store-global-state', value: 'off', offFor: '2.3' } },
  fields: {
    size: u32,
    // 100 bytes until 9.0; the two below were zeros of its tail
    runstate: buffer(RUN_STATE_BYTES),
    has_vm_was_suspended: born('9.0', u8),
    vm_was_suspended: born('9.0', u8),
    rest: born('9.0', named('unused', buffer(66)), {
      reserve: {
        was: 'the tail of a name of 100 bytes, zeros',
        lastWriter: null,
        unversioned: ['every board without versions'],
      },
    }),
  },
}

export const globalState = (): GlobalState => ({
  size: 0,
  runstate: new Uint8Array(RUN_STATE_BYTES),
  has_vm_was_suspended: 0,
  vm_was_suspended: 0,
  rest: new Uint8Array(66),
})

export function setRunState(s: GlobalState, name: string): void {
  s.runstate.fill(0)
  s.runstate.set(new TextEncoder().encode(name))
  s.size = name === '' ? 0 : name.length + 1
}

export function getRunState(s: GlobalState): string {
  const end = s.runstate.indexOf(0)
  return new TextDecoder().decode(s.runstate.slice(0, end < 0 ? RUN_STATE_BYTES : end))
}

export interface AcpiBuildState {
  patched: number
}

export const acpiBuildVmstate: VMState<AcpiBuildState> = {
  name: 'acpi_build',
  version: 1,
  minVersion: 1,
  life: { born: '1.7' },
  fields: { patched: u8 },
}

const SECOND = 1_000_000_000n

/**
 * The rate of the source's TSC in Hz. It is not on the wire, but both clocks began at nought and stood still together.
 * A guest that keeps time by its TSC would otherwise run fast or slow for ever. Undefined if the two say nothing.
 */
export function tscRate(ticks: bigint, ns: bigint): bigint | undefined {
  if (ns < SECOND) return undefined
  const hz = (ticks * SECOND + ns / 2n) / ns
  return hz >= SECOND / 10n && hz <= 10n * SECOND ? hz : undefined
}

export interface MachineStates {
  readonly timer: TimerState
  readonly global: GlobalState
  readonly acpiBuild: AcpiBuildState
}

export const machineStates = (): MachineStates => ({
  timer: { cpu_ticks_offset: 0n, cpu_clock_offset: 0n },
  global: globalState(),
  acpiBuild: { patched: 0 },
})

export function machineSections(states: MachineStates, time: MachineTime, cpu: Processor, acpi: boolean): Section[] {
  const plain = (vmstate: AnyVMState, state: object): Section => ({
    idstr: vmstate.name,
    instance: 0,
    version: vmstate.version,
    vmstate,
    state,
  })
  const clocks: Section = {
    ...plain(timerVmstate, states.timer),
    beforeSave() {
      states.timer.cpu_clock_offset = BigInt.asIntN(64, time.virtual.now())
      states.timer.cpu_ticks_offset = BigInt.asIntN(64, cpu.cpu.machineTsc())
    },
    afterLoad() {
      const { cpu_ticks_offset: ticks, cpu_clock_offset: ns } = states.timer
      time.set(ns)
      const asked = cpu.state.tscKhz * 1000n
      cpu.cpu.setMachineTsc(ticks, tscRate(ticks, ns) ?? (asked === 0n ? undefined : asked))
    },
  }
  const processor: Section = {
    ...plain(cpuVmstate, newCpuWire(cpu.cpu)),
    beforeSave: () => cpu.beforeSave(),
    afterLoad() {
      checkFeatures(cpu.cpu)
      cpu.afterLoad()
    },
  }
  const common: Section = { ...plain(cpuCommonVmstate, newCpuCommonWire(cpu.cpu)), afterLoad: () => cpu.afterLoad() }
  const tables = acpi ? [plain(acpiBuildVmstate, states.acpiBuild)] : []
  return [clocks, common, processor, ...tables, plain(globalStateVmstate, states.global)]
}
