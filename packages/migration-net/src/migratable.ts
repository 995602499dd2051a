import type { AnyVMState, DescribedDevice, PartialReader } from '@godwit/vmstate'

/** How pages of zeroes are found and told; "none" sends them like all others. */
export type ZeroPageDetection = 'none' | 'legacy' | 'multifd'

/** Which pages were written since they were last collected; a DirtyLog fits. */
export interface MigratableLog {
  /** Number of dirty pages; may lag behind while the guest runs elsewhere. */
  readonly dirtyPages: number
  start(allDirty: boolean): void
  stop(): void
  /** The dirty pages in ascending order. What is written to a page from now on makes it dirty again. */
  collect(): Uint32Array
}

/** RAM or ROM under its name on the wire; a RamBlock fits. */
export interface MigratableBlock {
  readonly name: string
  /** The guest may change them at any time if it runs on another thread. */
  readonly bytes: Uint8Array
  readonly maxSize: number
  usedSize: number
  readonly dirty: MigratableLog
  write(offset: number, data: Uint8Array): void
  fill(offset: number, length: number, value: number): void
  /** Says that bytes were changed in place. */
  touched(offset: number, length: number): void
}

/** A section whose state is elsewhere, on the guest's thread for example. */
export interface DistantSection {
  readonly idstr: string
  readonly instance: number
  readonly version: number
  /** The bytes of the state at this moment. */
  save(): Uint8Array
  /** What those bytes mean. */
  describe(): DescribedDevice
  /** As `loadSection` of a description: leaves the reader behind the section, or the state as it was. */
  load(reader: PartialReader, version: number): void
  afterLoad?(version: number): void
}

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
 * The guest may run in slices on the same thread, so every call is short and none waits for it.
 */
export interface Migratable {
  /** Resolved name of the machine type ("pc-i440fx-5.2"), compared by the destination. */
  readonly machineType: string
  /** In the order of QEMU's block list: descending maximum size. */
  readonly ramBlocks: readonly MigratableBlock[]
  /** In the order they are sent: parents before children. */
  readonly sections: readonly (MigratableSection | DistantSection)[]
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
  /** Why the machine is of no more use: it holds part of a guest whose migration failed. */
  readonly spoiled?: string | undefined
  /** Makes the machine useless; the reason is the failed migration's message. */
  spoil?(reason: string): void
  /** In words, what device a section ("idstr/instance") or RAM block belongs to that this machine has not got. */
  explain?(name: string): string | undefined
  /**
   * Part of the time, from 0 to below 1, that the running guest leaves to others on its thread. A migration sets it while
   * it sends memory: a socket takes a few hundred KiB at once, and would otherwise wait for each slice of the guest.
   */
  hostShare?: number
  /** Machine property `migration.send-switchover-start`: on for machine types from 10.0. Default off. */
  readonly sendSwitchoverStart?: boolean
  /**
   * Machine property `migration.multifd-flush-after-each-section`: on for machine types up to 8.0. The channels are then
   * in step at each end of a live section; otherwise once per round, by a record of its own. Default off.
   */
  readonly multifdFlushAfterEachSection?: boolean
  /**
   * Machine property `migration.zero-page-detection`: "legacy" for machine types up to 8.2. Pages of zeroes are then
   * records of the main channel; with "multifd" they stand in the packets. Default "multifd".
   */
  readonly zeroPageDetection?: ZeroPageDetection
  /** Machine property `suppress-vmdesc`: the embedded description is left out. Default off. */
  readonly suppressVmdesc?: boolean
}
