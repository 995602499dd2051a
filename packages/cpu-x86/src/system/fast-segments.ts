/**
 * MOV and POP to a data segment register as kernels do it all the time: a descriptor of the GDT that asks for nothing
 * special, at an address that the soft-TLB knows. Whatever else there is, faults among it, is `load_segment_slow`'s.
 */
import { I32, I64, type MemoryOp } from '@godwit/wasm-encoder'
import { tlbSlot } from '../access.ts'
import { CR0, CR4, DESC, FLAG } from '../cpu-state.ts'
import { wasm, type RuntimeFunction } from '../runtime.ts'
import { S, SEG, TLB } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'

/** Present, no system descriptor, data that grows up, and accessed already. */
const PLAIN = DESC.present | DESC.system | DESC.accessed
const KIND = PLAIN | DESC.code | DESC.down

/** (register, selector) -> 0, or 1 where nothing was done. `tlb`: host address of the supervisor's half. */
export const tryLoadSegment = (tlb: number): RuntimeFunction =>
  wasm([I32, I32], [I32], (f, link) => {
    const e = new Emit(f)
    const { base } = link
    const load = (offset: number, op: MemoryOp = 'i32_load'): Val =>
      e.load(op.startsWith('i64') ? I64 : I32, op, k32(0), base + offset)
    const number = local(I32, 0)
    const selector = local(I32, 1)
    const slowIf = (condition: Val): void =>
      e.unlikely(condition, () => {
        f.i32(1).ret()
      })
    const at = e.let(number.mul(SEG.size))
    const put = (op: MemoryOp, field: number, value: Val): void => e.store(op, at, value, base + S.seg + field)
    const done = (): void => {
      put('i32_store', SEG.selector, selector)
      f.i32(0).ret()
    }
    e.assign(1, selector.and(0xffff))
    const mode = load(S.cr0).and(CR0.PE).isZero().or(load(S.eflags).and(FLAG.VM)).or(load(S.cr4).and(CR4.SMAP))
    slowIf(mode.or(selector.and(4)).or(k32(0x39).shrU(number).and(1).isZero()))
    e.if(selector.and(0xfffc).isZero(), () => {
      slowIf(number.ltU(4))
      put('i64_store', SEG.base, k64(0))
      put('i64_store', SEG.low, k64(1))
      put('i64_store', SEG.highRead, k64(-1, -1))
      put('i64_store', SEG.highWrite, k64(-1, -1))
      put('i32_store', SEG.limit, k32(0))
      put('i32_store', SEG.flags, k32(0))
      done()
    })
    const linear = e.let(load(S.gdtBase, 'i64_load').add(selector.and(0xfff8).to64u()))
    const low32 = e.let(linear.to32())
    const slot = e.let(tlbSlot(low32, tlb))
    const tag = e.load(I64, 'i64_load', slot, TLB.readTag)
    slowIf(
      linear
        .add(7)
        .and(-4096)
        .ne(tag)
        .or(selector.or(7).gtU(load(S.gdtLimit))),
    )
    const host = e.let(low32.add(e.load(I32, 'i32_load', slot, TLB.addend)))
    const low = e.load(I32, 'i32_load', host)
    const high = e.load(I32, 'i32_load', host, 4)
    const dpl = e.let(high.shrU(13).and(3))
    slowIf(
      high
        .and(KIND)
        .ne(PLAIN)
        .or(dpl.ltU(load(S.cpl)))
        .or(dpl.ltU(selector.and(3))),
    )
    const start = e.let(
      low
        .shrU(16)
        .or(high.and(0xff).shl(16))
        .or(high.and(0xff00_0000 | 0)),
    )
    const units = e.let(low.and(0xffff).or(high.and(0xf_0000)))
    const limit = e.let(select(high.and(DESC.granular), units.shl(12).or(0xfff), units))
    e.if(number.ltU(4), () => {
      // What code is keyed by may change with ES and DS.
      const is = (field: number, value: Val): Val => e.load(I32, 'i32_load', at, base + S.seg + field).ne(value)
      slowIf(is(SEG.flags, high).or(is(SEG.limit, limit)).or(is(SEG.base, start)))
      done()
    })
    put('i64_store', SEG.base, start.to64u())
    put('i64_store', SEG.low, k64(0))
    put('i64_store', SEG.highRead, limit.to64u())
    put('i64_store', SEG.highWrite, select(high.and(DESC.writable), limit.to64u(), k64(-1, -1)))
    put('i32_store', SEG.limit, limit)
    put('i32_store', SEG.flags, high)
    put('i32_store', SEG.selector, selector)
    f.i32(0)
  })
