import type { Migratable } from '@godwit/migration-net'

/** What control and monitor need of a machine; the machines of @godwit/machines fit, and so do the tests' fakes. */
export interface RunnableMachine extends Migratable {
  readonly events: {
    onShutdown?(cause: string, exitCode: number): void
    onReset?(byGuest: boolean): void
  }
  /** Runs, unless it was shut down. */
  start(): void
  stop(): void
  reset(byGuest?: boolean): void
  powerButton(): void
}
