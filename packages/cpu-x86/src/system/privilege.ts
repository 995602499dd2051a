/**
 * Changes of privilege in WebAssembly. Kernels and programs run in one flat mode, 32-bit or 64-bit: what modeChanged() sets
 * comes down to the half of the soft-TLB and the tag of the jump cache then. Where the mode may become another, and where
 * anything is out of the ordinary, the function of system/ does all of it.
 */
import { I32, I64, type Func, type MemoryOp } from '@godwit/wasm-encoder'
import { tlbSlot } from '../access.ts'
import { ARITHMETIC, CR0, CR4, EFER, FLAG } from '../cpu-state.ts'
import { Flags, flagsInState } from '../flags.ts'
import type { Link } from '../runtime.ts'
import { S, SEG, TLB } from '../state.ts'
import { modeOf } from '../tier0/mode.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, select, type Val } from '../wasm/value.ts'
import { DPL3 } from './syscall.ts'

export const FLAT_32 = modeOf(32, 32, true).key
export const LONG = modeOf(64, 64, true).key

/** A bit of descriptors that is the system's own. */
const AVAILABLE = 0x10_0000

/** Host addresses of the soft-TLB's halves. */
export interface TlbHalves {
  readonly supervisor: number
  readonly user: number
}

export class PrivilegeEmit {
  readonly e: Emit
  readonly base: number
  readonly flags: Flags
  private readonly tlb: TlbHalves
  private readonly slow: () => void

  /** `slow` leaves the function: nothing has been done. */
  constructor(f: Func, link: Link, tlb: TlbHalves, slow: () => void) {
    this.e = new Emit(f)
    this.base = link.base
    this.tlb = tlb
    this.flags = new Flags(this.e, flagsInState(this.e, this.base))
    this.slow = slow
  }

  word(offset: number): Val {
    return this.e.load(I32, 'i32_load', k32(0), this.base + offset)
  }

  wide(offset: number): Val {
    return this.e.load(I64, 'i64_load', k32(0), this.base + offset)
  }

  set(offset: number, value: Val): void {
    const op: MemoryOp = value.type === I64 ? 'i64_store' : 'i32_store'
    this.e.store(op, k32(0), value, this.base + offset)
  }

  slowIf(condition: Val): void {
    this.e.unlikely(condition, this.slow)
  }

  /** Slow unless in protected mode with flat segments, 32-bit outside long mode or 64-bit. Returns whether it is 64-bit. */
  requireFlat(): Val {
    const key = this.word(S.modeKey)
    const long = this.e.flag(key.eq(LONG))
    const short = key.eq(FLAT_32).and(this.word(S.efer).and(EFER.LMA).isZero())
    this.slowIf(long.or(short).isZero())
    this.requireProtected()
    return long
  }

  requireMode(key: number): void {
    this.slowIf(this.word(S.modeKey).ne(key))
    if (key === FLAT_32) this.slowIf(this.word(S.efer).and(EFER.LMA))
    this.requireProtected()
  }

  private requireProtected(): void {
    this.slowIf(this.word(S.cr0).and(CR0.PE).isZero().or(this.word(S.eflags).and(FLAG.VM)))
  }

  /** Slow where what the system may reach depends on more than the page. To be asked before supervisor(). */
  requireNoSmap(): void {
    this.slowIf(this.word(S.cr4).and(CR4.SMAP))
  }

  /** Host address of bytes that the system reaches at a linear address (i64), if the soft-TLB knows them in one page. */
  supervisor(linear: Val, bytes: number | Val, intent: 'read' | 'write'): Val {
    const { e } = this
    const low = e.let(linear.to32())
    const slot = e.let(tlbSlot(low, this.tlb.supervisor))
    const tag = e.load(I64, 'i64_load', slot, intent === 'read' ? TLB.readTag : TLB.writeTag)
    const last = typeof bytes === 'number' ? linear.add(bytes - 1) : linear.add(bytes.sub(1).to64u())
    this.slowIf(last.and(-4096).ne(tag))
    return e.let(low.add(e.load(I32, 'i32_load', slot, TLB.addend)))
  }

  word32(host: Val, offset: number): Val {
    return this.e.load(I32, 'i32_load', host, offset)
  }

  word64(host: Val, offset: number): Val {
    return this.e.load(I64, 'i64_load', host, offset)
  }

  /** Slow unless a selector names a flat descriptor of the GDT with the flags given, DPL apart. Returns the flags. */
  requireDescriptor(selector: Val, flags: number, dpl: number | Val): Val {
    const { e } = this
    this.slowIf(
      selector
        .and(4)
        .or(selector.and(0xfff8).isZero())
        .or(selector.and(0xffff).or(7).gtU(this.word(S.gdtLimit))),
    )
    const host = this.supervisor(e.let(this.wide(S.gdtBase).add(selector.and(0xfff8).to64u())), 8, 'read')
    const high = this.word32(host, 4)
    const wrong = high
      .and(~(DPL3 | AVAILABLE))
      .ne(flags)
      .or(this.word32(host, 0).ne(0xffff))
    this.slowIf(wrong.or(high.shrU(13).and(3).ne(dpl)))
    return high
  }

  /** SS or another segment register that names nothing. */
  nullSegment(i: number): void {
    const at = S.seg + i * SEG.size
    this.set(at + SEG.base, k64(0))
    this.set(at + SEG.selector, k32(0))
    this.set(at + SEG.limit, k32(0))
    this.set(at + SEG.flags, k32(0))
    this.set(at + SEG.low, k64(1))
    this.set(at + SEG.highRead, k64(-1, -1))
    this.set(at + SEG.highWrite, k64(-1, -1))
  }

  /** A segment from 0 to 4 GiB. */
  flatSegment(i: number, selector: Val, flags: Val, code: boolean): void {
    const at = S.seg + i * SEG.size
    this.set(at + SEG.base, k64(0))
    this.set(at + SEG.selector, selector)
    this.set(at + SEG.limit, k32(-1))
    this.set(at + SEG.flags, flags)
    this.set(at + SEG.low, k64(0))
    this.set(at + SEG.highRead, k64(-1, 0))
    this.set(at + SEG.highWrite, code ? k64(-1, -1) : k64(-1, 0))
  }

  /** EFLAGS but for the arithmetic flags, of which DF stays as it was. */
  systemFlags(value: Val): void {
    this.set(S.eflags, value.and(~ARITHMETIC).or(2))
  }

  /** All of EFLAGS. */
  allFlags(value: Val): void {
    const image = this.e.let(value)
    this.systemFlags(image)
    this.set(S.direction, select(image.and(FLAG.DF), k32(-1), k32(1)))
    this.flags.load(image)
  }

  /** EFLAGS as an image. */
  image(): Val {
    return this.e.let(this.word(S.eflags).or(this.flags.image()))
  }

  /** CPL, and what follows from it in the same mode. */
  privilege(cpl: 0 | 3): void {
    this.set(S.cpl, k32(cpl))
    this.set(S.tlb, k32(cpl === 3 ? this.tlb.user : this.tlb.supervisor))
    this.set(S.modeTag + 4, this.word(S.modeTags + (cpl === 3 ? 4 : 0)))
  }
}
