import type { LocalApic, Time } from '@godwit/hw'
import type { AddressSpace, HostMemory } from '@godwit/memory'
import type { CpuState } from './cpu-state.ts'
import type { CpuModel } from './models.ts'

/** What system/, the runtime functions and the tiers see of the processor they belong to. */
export interface Cpu {
  readonly host: HostMemory
  /** Byte offset of the CPU area in the host memory. */
  readonly base: number
  /** Named access to the state that lives in the CPU area. */
  readonly state: CpuState
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  readonly time: Time
  readonly apic: LocalApic | undefined
  readonly model: CpuModel

  /** Guest instructions executed so far, exact whenever TypeScript is called. */
  instructions(): number
  /** TSC as the guest reads it. */
  readTsc(): bigint
  writeTsc(value: bigint): void
  /** Puts what readTsc() gives into a field of the state. */
  storeTsc(at: number): void
  /** TSC of the machine, to which the guest's own writes add `state.tscOffset`. */
  machineTsc(): bigint
  /** Goes on from a value, at a rate in Hz or at the present one. */
  setMachineTsc(value: bigint, rateHz?: bigint): void
  /** Drops translations: all, or all but global ones. */
  flushTlb(keepGlobal: boolean): void
  /** Drops the translation of one page. Linear addresses are signed numbers (canonical, sign-extended): exact in a double. */
  flushTlbPage(linear: number): void
  /** To be called after CS, SS, CR0, CR4, EFER, EFLAGS.VM, CPL or a segment's base or limit has changed: recomputes what
   *  the tiers key code by (code size, stack size, flat segments, privilege). */
  modeChanged(): void
  /** Makes generated code come back to the run loop at the next block end. */
  attend(): void
  /** Says once, by name, that a guest met an instruction that is not there. */
  missing(name: string): void
}

/** An exception for the guest, thrown inside TypeScript that runs for it and caught before generated code is re-entered. */
export class GuestFault extends Error {
  readonly vector: number
  /** Undefined for exceptions without one. */
  readonly errorCode: number | undefined

  constructor(vector: number, errorCode?: number) {
    // A guest faults thousands of times a second, and nobody asks from where: a stack trace costs more than all the rest.
    const errors = Error as ErrorConstructor & { stackTraceLimit?: number | undefined }
    const limit = errors.stackTraceLimit
    errors.stackTraceLimit = 0
    super(`#${vector}${errorCode === undefined ? '' : ` (${errorCode.toString(16)})`}`)
    errors.stackTraceLimit = limit
    this.name = 'GuestFault'
    this.vector = vector
    this.errorCode = errorCode
  }
}
