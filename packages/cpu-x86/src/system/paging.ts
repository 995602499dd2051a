/**
 * The page walk: no paging, 32-bit, PAE and 4-level tables. SDM vol. 3A, chapter 4.
 *
 * Nothing is allocated and nothing thrown: the result lies in `page`, a fault in `fault`. Accessed and dirty bits are
 * set after the permissions were checked, in one pass from the top, so that a walk that faults leaves no trace
 * (real processors do not set PDE.A when the PTE is absent).
 */
import type { Cpu } from '../cpu.ts'
import { CR0, CR4, EFER, FLAG } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'

export type Access = 'read' | 'write' | 'execute'

/** What a walk found. Physical addresses are exact numbers, before the A20 gate. */
export interface Page {
  /** Address of the 4 KiB page that holds the linear address. */
  physical: number
  /** The page may be written by this privilege, and its dirty bit is set. */
  writable: boolean
  user: boolean
  executable: boolean
  global: boolean
  /** All entries on the way have their accessed bit. */
  accessed: boolean
  sizeBytes: number
}

export interface PageFault {
  vector: number
  errorCode: number
}

export interface Walker {
  readonly page: Page
  readonly fault: PageFault
  /** False: see fault. CR2 is not touched. */
  walk(linear: number, access: Access, user: boolean): boolean
  /** The same without setting accessed and dirty bits (debuggers). */
  probe(linear: number, access: Access, user: boolean): boolean
}

const P = 1
const W = 2
const U = 4
const A = 0x20
const D = 0x40
const PS = 0x80
const G = 0x100
/** In the high word. */
const NX = 0x8000_0000 | 0
const HIGH = 4294967296

/** Error code bits. */
const ERROR = { present: 1, write: 2, user: 4, reserved: 8, fetch: 0x10 } as const

export function createWalker(cpu: Cpu): Walker {
  const { state, memory } = cpu
  const page: Page = {
    physical: 0,
    writable: false,
    user: false,
    executable: true,
    global: false,
    accessed: true,
    sizeBytes: 4096,
  }
  const fault: PageFault = { vector: 0, errorCode: 0 }
  const smep = cpu.model.has('smep')
  const smap = cpu.model.has('smap')
  const huge = cpu.model.has('pdpe1gb')
  const pse36 = cpu.model.has('pse36')
  const reservedHigh = 0x000f_ffff & ~(2 ** Math.max(cpu.model.physBits - 32, 0) - 1)

  const words = new Int32Array(cpu.host.memory.buffer)
  // The entries on the way, for the accessed bits at the end.
  const at = new Float64Array(4)
  const was = new Int32Array(4)
  let depth = 0
  // The entry just read.
  let low = 0
  let high = 0
  // What all levels allow.
  let rights = 0
  let noExecute = 0

  const physical = (address: number): number =>
    state.low(S.a20Mask) !== -1 && (Math.floor(address / 0x10_0000) & 1) === 1 ? address - 0x10_0000 : address

  /** Index in `words` of what lies at a physical address, or -1. Entries are aligned: one lies in one block. */
  function wordAt(gpa: number): number {
    const span = memory.find(gpa)
    if (span === undefined || span.region.kind === 'io') return -1
    const { block, blockOffset = 0 } = span.region
    return (block.offset + blockOffset + gpa - span.base) / 4
  }

  function read32(address: number): void {
    const gpa = physical(address)
    at[depth] = gpa
    const i = wordAt(gpa)
    low = i >= 0 ? words[i]! : memory.read(gpa, 4) | 0
    high = 0
    was[depth++] = low
  }

  function read64(address: number): void {
    const gpa = physical(address)
    at[depth] = gpa
    const i = wordAt(gpa)
    if (i >= 0) {
      low = words[i]!
      high = words[i + 1]!
    } else {
      low = memory.read(gpa, 4) | 0
      high = memory.read(gpa + 4, 4) | 0
    }
    was[depth++] = low
  }

  function refuse(code: number): false {
    fault.vector = EXC.PF
    fault.errorCode = code
    return false
  }

  function entryAddress(): number {
    return (high & 0x000f_ffff) * HIGH + ((low & 0xffff_f000) >>> 0)
  }

  /** Checks the entry just read, of 8 bytes: 0 fine, 1 absent, 9 reserved bits set. */
  function check64(reservedLow: number): number {
    if ((low & P) === 0) return 0x100
    const nxe = (state.low(S.efer) & EFER.NXE) !== 0
    if ((low & reservedLow) !== 0 || (high & reservedHigh) !== 0 || (!nxe && high < 0)) return ERROR.reserved | 1
    rights &= low
    noExecute |= high & NX
    return 0
  }

  function walk4(linear: number, code: number): boolean {
    const lo = linear | 0
    const hi = Math.floor(linear / HIGH)
    read64((state.high(S.cr3) & 0x000f_ffff) * HIGH + ((state.low(S.cr3) & 0xffff_f000) >>> 0) + ((hi >> 7) & 511) * 8)
    let bad = check64(PS)
    if (bad !== 0) return refuse(code | (bad & 0xff))
    read64(entryAddress() + (((hi << 2) | (lo >>> 30)) & 511) * 8)
    bad = check64((low & PS) === 0 ? 0 : huge ? 0x3fff_e000 : PS)
    if (bad !== 0) return refuse(code | (bad & 0xff))
    if ((low & PS) !== 0) {
      page.sizeBytes = 0x4000_0000
      page.physical = (high & 0x000f_ffff) * HIGH + ((low & 0xc000_0000) >>> 0) + (lo & 0x3fff_f000)
      return true
    }
    return lower64(lo, code)
  }

  /** Page directory and page table of 8-byte entries. */
  function lower64(lo: number, code: number): boolean {
    read64(entryAddress() + ((lo >>> 21) & 511) * 8)
    let bad = check64((low & PS) === 0 ? 0 : 0x001f_e000)
    if (bad !== 0) return refuse(code | (bad & 0xff))
    if ((low & PS) !== 0) {
      page.sizeBytes = 0x20_0000
      page.physical = (high & 0x000f_ffff) * HIGH + ((low & 0xffe0_0000) >>> 0) + (lo & 0x1f_f000)
      return true
    }
    read64(entryAddress() + ((lo >>> 12) & 511) * 8)
    bad = check64(0)
    if (bad !== 0) return refuse(code | (bad & 0xff))
    page.sizeBytes = 4096
    page.physical = entryAddress()
    return true
  }

  function walkPae(lo: number, code: number): boolean {
    read64((state.low(S.cr3) & 0xffff_ffe0) + (lo >>> 30) * 8 + ((state.low(S.cr3) & 0xffff_ffe0) < 0 ? HIGH : 0))
    // A PDPTE has no rights and no accessed bit.
    depth = 0
    if ((low & P) === 0) return refuse(code)
    if ((low & 0x1e6) !== 0 || (high & (reservedHigh | 0xfff0_0000)) !== 0) return refuse(code | ERROR.reserved | 1)
    return lower64(lo, code)
  }

  function walk32(lo: number, code: number): boolean {
    read32(((state.low(S.cr3) & 0xffff_f000) >>> 0) + (lo >>> 22) * 4)
    if ((low & P) === 0) return refuse(code)
    rights &= low
    if ((low & PS) !== 0 && (state.cr4 & CR4.PSE) !== 0) {
      const wide = pse36 ? (low >> 13) & 0xff : 0
      if ((low & (pse36 ? 0x20_0000 : 0x3f_e000)) !== 0 || (wide & reservedHigh) !== 0) {
        return refuse(code | ERROR.reserved | 1)
      }
      page.sizeBytes = 0x40_0000
      page.physical = wide * HIGH + ((low & 0xffc0_0000) >>> 0) + (lo & 0x3f_f000)
      return true
    }
    read32(((low & 0xffff_f000) >>> 0) + ((lo >>> 12) & 1023) * 4)
    if ((low & P) === 0) return refuse(code)
    rights &= low
    page.sizeBytes = 4096
    page.physical = (low & 0xffff_f000) >>> 0
    return true
  }

  /** Rights of the page found for this access. */
  function allowed(access: Access, user: boolean): boolean {
    const cr4 = state.cr4
    const userPage = (rights & U) !== 0
    if (user && !userPage) return false
    if (access === 'execute') {
      return noExecute === 0 && !(smep && userPage && !user && (cr4 & CR4.SMEP) !== 0)
    }
    if (smap && userPage && !user && (cr4 & CR4.SMAP) !== 0) {
      // Explicit accesses with EFLAGS.AC are let through; implicit ones come with CPL 3.
      if (state.cpl === 3 || (state.systemFlags & FLAG.AC) === 0) return false
    }
    return access === 'read' || writable(user)
  }

  function writable(user: boolean): boolean {
    return (rights & W) !== 0 || (!user && (state.cr0 & CR0.WP) === 0)
  }

  /** Sets accessed bits, and the dirty bit of the last entry; returns whether the page is dirty. */
  function mark(dirty: boolean): boolean {
    for (let i = 0; i < depth; i++) {
      const want = was[i]! | A | (dirty && i === depth - 1 ? D : 0)
      if (want !== was[i]) {
        memory.write(at[i]!, 4, want >>> 0)
        was[i] = want
      }
    }
    return (was[depth - 1]! & D) !== 0
  }

  function run(linear: number, access: Access, user: boolean, touch: boolean): boolean {
    const cr0 = state.cr0
    if ((cr0 & CR0.PG) === 0) {
      page.physical = (linear & ~0xfff) >>> 0
      page.writable = page.user = page.executable = page.global = page.accessed = true
      page.sizeBytes = 4096
      return true
    }
    const cr4 = state.cr4
    const efer = state.low(S.efer)
    const pae = (cr4 & CR4.PAE) !== 0
    let code = (access === 'write' ? ERROR.write : 0) | (user ? ERROR.user : 0)
    if (access === 'execute' && ((pae && (efer & EFER.NXE) !== 0) || (smep && (cr4 & CR4.SMEP) !== 0))) {
      code |= ERROR.fetch
    }
    depth = 0
    rights = U | W
    noExecute = 0
    let found: boolean
    if ((efer & EFER.LMA) !== 0) {
      const top = Math.floor(linear / 0x8000_0000_0000)
      if (top !== 0 && top !== -1) {
        fault.vector = EXC.GP
        fault.errorCode = 0
        return false
      }
      found = walk4(linear, code)
    } else found = pae ? walkPae(linear | 0, code) : walk32(linear | 0, code)
    if (!found) return false
    if (!allowed(access, user)) return refuse(code | ERROR.present)
    const leaf = was[depth - 1]!
    page.user = (rights & U) !== 0
    page.executable = noExecute === 0
    page.global = (cr4 & CR4.PGE) !== 0 && (leaf & G) !== 0
    let accessed = A
    for (let i = 0; i < depth; i++) accessed &= was[i]!
    page.accessed = touch || accessed !== 0
    const dirty = touch ? mark(access === 'write') : (leaf & D) !== 0
    page.writable = dirty && writable(user)
    return true
  }

  return {
    page,
    fault,
    walk: (linear, access, user) => run(linear, access, user, true),
    probe: (linear, access, user) => run(linear, access, user, false),
  }
}
