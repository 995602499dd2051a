/**
 * How many modules of compiled code the host has: each is some mappings of its memory, of which Linux gives a process 65,530
 * by default, and a process that asks for more of them ends. A module goes when the garbage collector finds it unused, and
 * its owner's event loop has had a turn to hear of it.
 */

/** A module takes two mappings as a rule, four at most. */
export const MOST_MODULES = 12_288

export class LiveModules {
  private count = 0
  private readonly most: number
  private readonly gone = new FinalizationRegistry<undefined>(() => {
    this.count--
  })

  constructor(most = MOST_MODULES) {
    this.most = most
  }

  /** No more may be made for now: what is hot stays in tier 0. */
  get full(): boolean {
    return this.count >= this.most
  }

  note(module: WebAssembly.Module): void {
    this.count++
    this.gone.register(module, undefined)
  }
}
