import { PAGE_SIZE } from './host-memory.ts'

/**
 * Which pages of a RAM block were written since they were last collected.
 *
 * While the log is off nothing is recorded. Whoever caches the right to write a page without asking (the CPU's
 * soft-TLB) must mark the page when it takes that right, and give it up when `onCollect` is called.
 */
export class DirtyLog {
  readonly pages: number
  private readonly bits: Uint8Array
  private count = 0
  enabled = false
  /** Called when pages become clean again or the log is switched on: cached rights to write are void. */
  onCollect: (() => void) | undefined

  constructor(pages: number) {
    this.pages = pages
    this.bits = new Uint8Array(pages)
  }

  /** Number of dirty pages. */
  get dirtyPages(): number {
    return this.count
  }

  /** Switches the log on, with every page dirty or none. */
  start(allDirty: boolean): void {
    this.enabled = true
    this.bits.fill(allDirty ? 1 : 0)
    this.count = allDirty ? this.pages : 0
    this.onCollect?.()
  }

  stop(): void {
    this.enabled = false
    this.bits.fill(0)
    this.count = 0
  }

  mark(offset: number, length: number): void {
    if (!this.enabled) return
    const last = Math.floor((offset + length - 1) / PAGE_SIZE)
    for (let page = Math.floor(offset / PAGE_SIZE); page <= last; page++) {
      if (this.bits[page] === 0) {
        this.bits[page] = 1
        this.count++
      }
    }
  }

  isDirty(page: number): boolean {
    return this.bits[page] === 1
  }

  /** The dirty pages in ascending order; all pages are clean afterwards. */
  collect(): Uint32Array {
    const found = new Uint32Array(this.count)
    if (this.count > 0) {
      let n = 0
      for (let page = this.bits.indexOf(1); page !== -1; page = this.bits.indexOf(1, page + 1)) found[n++] = page
      this.bits.fill(0)
      this.count = 0
    }
    this.onCollect?.()
    return found
  }
}
