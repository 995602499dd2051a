/** Translations of pages that code was fetched from, for the run loop: where a block lies. */
import type { Cpu } from '../cpu.ts'
import { linearOf } from '../system/linear.ts'

const PAGE = 4096
const ENTRIES = 256
const SEEN = 65536
const REGIONS = 4096
const REGION_PAGES = 1024
const SUPERVISOR = 1
const USER = 2

export class CodePages {
  /** Supervisor code outside global pages has been looked up since everything was flushed. */
  private local = false
  private readonly cpu: Cpu
  private readonly keys = new Float64Array(ENTRIES).fill(NaN)
  private readonly hosts = new Int32Array(ENTRIES)
  private readonly global = new Uint8Array(ENTRIES)
  private readonly physicals = new Float64Array(ENTRIES)
  private readonly large = new Uint8Array(ENTRIES)
  /** By 4 MiB: code was fetched from a large page there. */
  private readonly seenLarge = new Uint8Array(REGIONS)
  /** By the low bits of a linear page: code of the supervisor (1) or of a user (2) was fetched from one like it. */
  private readonly seen = new Uint8Array(SEEN)

  constructor(cpu: Cpu) {
    this.cpu = cpu
  }

  /** Host page behind a linear page, or -1 where code is not in RAM or ROM. Throws what a fetch throws. */
  host(page: number, user: boolean): number {
    const key = page * 2 + (user ? 1 : 0)
    const slot = page & (ENTRIES - 1)
    this.seen[page & (SEEN - 1)]! |= user ? USER : SUPERVISOR
    if (this.keys[slot] === key) {
      if (!user && this.global[slot] === 0) this.local = true
      return this.hosts[slot]!
    }
    const linear = linearOf(this.cpu)
    const physical = linear.translate(page * PAGE, 'execute', user)
    const host = this.hostOf(physical)
    if (host < 0) return -1
    const { global } = linear.walker.page
    if (!user && !global) this.local = true
    this.keys[slot] = key
    this.global[slot] = global ? 1 : 0
    this.hosts[slot] = host
    this.physicals[slot] = physical
    const large = linear.walker.page.sizeBytes > PAGE
    this.large[slot] = large ? 1 : 0
    if (large) this.seenLarge[Math.floor(page / REGION_PAGES) & (REGIONS - 1)] = 1
    return host
  }

  /** Physical address of a page that host() has just been asked for; -1: it is part of a large one. */
  physical(page: number): number {
    const slot = page & (ENTRIES - 1)
    return this.large[slot] === 1 ? -1 : this.physicals[slot]!
  }

  /** The same without a trace in the page tables, for pages that were executed before; -1 too where nothing is mapped. */
  peek(page: number, user: boolean): number {
    const slot = page & (ENTRIES - 1)
    if (this.keys[slot] === page * 2 + (user ? 1 : 0)) return this.hosts[slot]!
    const physical = linearOf(this.cpu).peek(page * PAGE, 'execute', user)
    return physical < 0 ? -1 : this.hostOf(physical)
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
      for (let i = 0; i < ENTRIES; i++) if (this.global[i] === 0) this.keys[i] = NaN
      return false
    }
    this.local = false
    this.keys.fill(NaN)
    this.seen.fill(0)
    this.seenLarge.fill(0)
    return true
  }

  /** Forgets the translation of a page for users. */
  dropUser(page: number): void {
    const slot = page & (ENTRIES - 1)
    if (this.keys[slot] === page * 2 + 1) this.keys[slot] = NaN
  }

  /** Whether jumps of a privilege into a page may be remembered; a large page is more than that one. */
  mayKnow(page: number, user: boolean): boolean {
    if (!user && this.seenLarge[Math.floor(page / REGION_PAGES) & (REGIONS - 1)] === 1) return true
    return (this.seen[page & (SEEN - 1)]! & (user ? USER : SUPERVISOR)) !== 0
  }
}
