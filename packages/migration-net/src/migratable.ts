import type { RamBlock } from '@godwit/memory'
import type { AnyVMState } from '@godwit/vmstate'

/** One section of device state, as it stands in the stream. */
export interface MigratableSection {
  /** "i8259", or with a bus path "0000:00:01.1/ide". */
  readonly idstr: string
  readonly instance: number
  /** Version that is written; the description's own. */
  readonly version: number
  readonly vmstate: AnyVMState
  /** The live state object. Loading writes into it and keeps its references good. */
  readonly state: object
  /** Brings the state object up to the moment, before it is written. */
  beforeSave?(): void
  /** Sets timers and restores wires after every section has been loaded. */
  afterLoad?(version: number): void
}

/**
 * What a migration needs of a machine. A machine happens to fit; nothing here knows one.
 *
 * The guest runs in slices on the same thread, so every call is short and none waits.
 */
export interface Migratable {
  /** Resolved name of the machine type ("pc-i440fx-5.2"), compared by the destination. */
  readonly machineType: string
  /** In the order of QEMU's block list: descending maximum size. */
  readonly ramBlocks: readonly RamBlock[]
  /** In the order they are sent: parents before children. */
  readonly sections: readonly MigratableSection[]
  /** True while the guest executes. */
  readonly running: boolean
  /** QEMU's run state: "running", "paused", "prelaunch", "inmigrate", "finish-migrate", "postmigrate" ... */
  runState: string
  /**
   * The run state that the machine's "globalstate" section carries. The source sets it before it pauses; loading the
   * section sets it. Undefined when no such section was loaded, which means "running".
   */
  carriedRunState: string | undefined
  /** Stops executing and the clocks. Leaves `runState` to the caller. */
  pause(): void
  /** Goes on executing. Leaves `runState` to the caller. */
  resume(): void
  /** Machine property `migration.send-switchover-start`: on for machine types from 10.0. Default off. */
  readonly sendSwitchoverStart?: boolean
  /** Machine property `suppress-vmdesc`: the embedded description is left out. Default off. */
  readonly suppressVmdesc?: boolean
}
