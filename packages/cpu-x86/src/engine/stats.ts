/** What the run loop counts, for people. Nothing here is state of the guest. */
export class Stats {
  /** By EXIT. */
  readonly exits = new Uint32Array(16)
  /** By vector. */
  readonly exceptions = new Uint32Array(32)
  readonly missing = new Map<string, number>()
  interrupts = 0
  flushes = 0
}
