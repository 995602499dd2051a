/** How a processor meets its interrupt controllers: contracts between cpu-x86 and devices, wired by a board. */

/** Answers the processor's acknowledge cycle with a vector; -1 if the request has gone. */
export interface InterruptSource {
  acknowledge(): number
}

/** The local APIC as its processor reaches it other than by memory. */
export interface LocalApic extends InterruptSource {
  /** IA32_APIC_BASE. */
  readBase(): bigint
  writeBase(value: bigint): void
  /** CR8: task priority, 0 to 15. */
  readTpr(): number
  writeTpr(value: number): void
}
