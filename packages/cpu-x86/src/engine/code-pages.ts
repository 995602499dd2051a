/** Translations of pages that code was fetched from, for the run loop: where a block lies. */
import type { Cpu } from '../cpu.ts'
import { linearOf, type Linear } from '../system/linear.ts'

const PAGE = 4096
const ENTRIES = 256
const SEEN = 65536
/** Large pages are noted by areas of so many pages. */
const AREA = 1024

export class CodePages {
  /** Supervisor code outside global pages has been looked up since everything was flushed. */
  private local = false
  private readonly cpu: Cpu
  private linear: Linear | undefined
  private readonly keys = new Float64Array(ENTRIES).fill(NaN)
  /** Slots filled outside global pages since they were forgotten; more than there is room for: any. */
  private readonly locals = new Uint8Array(ENTRIES)
  private localCount = 0
  private readonly hosts = new Int32Array(ENTRIES)
  private readonly global = new Uint8Array(ENTRIES)
  private readonly physicals = new Float64Array(ENTRIES)
  private readonly large = new Uint8Array(ENTRIES)
  /** Pages, and areas with large pages, that supervisor code was fetched from: exactly, for their loss costs all jumps. */
  private readonly supervisors = new Set<number>()
  private readonly largeAreas = new Set<number>()
  /** By the low bits of a linear page: user code was fetched from one like it. */
  private readonly users = new Uint8Array(SEEN)

  constructor(cpu: Cpu) {
    this.cpu = cpu
  }

  /** Host page behind a linear page, or -1 where code is not in RAM or ROM. Throws what a fetch throws. */
  host(page: number, user: boolean): number {
    const key = page * 2 + (user ? 1 : 0)
    const slot = page & (ENTRIES - 1)
    if (this.keys[slot] === key) {
      if (!user && this.global[slot] === 0) this.local = true
      return this.hosts[slot]!
    }
    const linear = (this.linear ??= linearOf(this.cpu))
    const physical = linear.translate(page * PAGE, 'execute', user)
    const host = this.hostOf(physical)
    if (host < 0) return -1
    const { global } = linear.walker.page
    if (user) this.users[page & (SEEN - 1)] = 1
    else this.supervisors.add(page)
    if (!user && !global) this.local = true
    this.keys[slot] = key
    if (!global) this.locals[this.localCount++ & (ENTRIES - 1)] = slot
    this.global[slot] = global ? 1 : 0
    this.hosts[slot] = host
    this.physicals[slot] = physical
    const pages = linear.walker.page.sizeBytes / PAGE
    this.large[slot] = pages > 1 ? 1 : 0
    const start = Math.floor(page / pages) * pages
    if (pages > 1) for (let p = start; p < start + pages; p += AREA) this.largeAreas.add(Math.floor(p / AREA))
    return host
  }

  /** Physical address of a page that host() has just been asked for; -1: it is part of a large one. */
  physical(page: number): number {
    const slot = page & (ENTRIES - 1)
    return this.large[slot] === 1 ? -1 : this.physicals[slot]!
  }

  /** What host() gives, without a trace in the page tables, for pages that were executed before; -1 too where nothing is mapped. */
  peek(page: number, user: boolean): number {
    const slot = page & (ENTRIES - 1)
    if (this.keys[slot] === page * 2 + (user ? 1 : 0)) return this.hosts[slot]!
    const physical = linearOf(this.cpu).peek(page * PAGE, 'execute', user)
    return physical < 0 ? -1 : this.hostOf(physical)
  }

  /** What host() gives, if it leaves nothing in the page tables that was not there; else -1. */
  settled(page: number, user: boolean): number {
    return this.peek(page, user) < 0 ? -1 : this.host(page, user)
  }

  private hostOf(physical: number): number {
    const span = this.cpu.memory.find(physical)
    if (span === undefined || span.region.kind === 'io' || physical + PAGE > span.end) return -1
    const host = span.region.block.offset + (span.region.blockOffset ?? 0) + physical - span.base
    return host % PAGE === 0 ? host / PAGE : -1
  }

  /** Forgets translations. Returns whether jumps into supervisor code must be forgotten as well. */
  flush(keepGlobal: boolean): boolean {
    if (keepGlobal && !this.local) {
      this.forgetLocals()
      return false
    }
    this.localCount = 0
    this.local = false
    this.keys.fill(NaN)
    this.users.fill(0)
    this.supervisors.clear()
    this.largeAreas.clear()
    return true
  }

  private forgetLocals(): void {
    const { keys, global, locals, localCount } = this
    if (localCount <= ENTRIES)
      for (let i = 0; i < localCount; i++) {
        const slot = locals[i]!
        if (global[slot] === 0) keys[slot] = NaN
      }
    else for (let slot = 0; slot < ENTRIES; slot++) if (global[slot] === 0) keys[slot] = NaN
    this.localCount = 0
  }

  /** Forgets the translation of a page for users. */
  dropUser(page: number): void {
    const slot = page & (ENTRIES - 1)
    if (this.keys[slot] === page * 2 + 1) this.keys[slot] = NaN
  }

  /** Whether jumps of a privilege into a page may be remembered; a large page is more than that one. */
  mayKnow(page: number, user: boolean): boolean {
    if (user) return this.users[page & (SEEN - 1)] === 1
    return this.supervisors.has(page) || this.largeAreas.has(Math.floor(page / AREA))
  }
}
