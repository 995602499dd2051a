import type { Char } from '@godwit/hw'
import type { Machine } from '@godwit/machines'
import type { Migratable } from '@godwit/migration-net'

export interface MachineEvents {
  onShutdown?(cause: string, exitCode: number): void
  onReset?(byGuest: boolean): void
  /** A byte at the firmware's debug port. */
  onDebugByte?(byte: number): void
  /** The thread of the machine has ended; nothing can be asked of it any more. */
  onLost?(reason: string): void
}

/** What control and monitor need of a machine; the machines of @godwit/machines fit, and so do the tests' fakes. */
export interface RunnableMachine extends Migratable {
  readonly events: MachineEvents
  /** Runs, unless it was shut down. */
  start(): void
  stop(): void
  reset(byGuest?: boolean): void
  powerButton(): void
}

/** What can be read off a machine. */
export interface WatchedMachine {
  readonly processor: Pick<Machine['processor'], 'stats' | 'profile' | 'compiled'>
  readonly time: { readonly virtual: { now(): bigint } }
}

/** A machine with its console and its instruments, on this thread or on another. */
export interface WholeMachine extends RunnableMachine, WatchedMachine {
  /** Why nothing can be asked of it any more. */
  readonly lost?: string | undefined
  connectSerial(char: Char): void
  /** Ends its thread, if it has one. */
  close?(): Promise<void>
}
