/**
 * Guest memory as generated code reaches it: a soft-TLB looked up inline. What it does not know goes to the runtime
 * function `slow`, which gives a host address, the address of a scratch slot (device memory, page borders), or -1
 * after it has noted a fault. A store into a scratch slot is followed by `commit`.
 */
import { F64, I32, I64, V128, type MemoryOp, type SimdMemoryOp, type ValueType } from '@godwit/wasm-encoder'
import type { Size } from './decode/insn.ts'
import type { Intent, Place } from './semantics/meaning.ts'
import { S, TLB } from './state.ts'
import type { Callee, Emit } from './wasm/emit.ts'
import { k32, local, select, type Val } from './wasm/value.ts'

export const typeOf = (size: Size): ValueType => (size === 64 ? I64 : size === 128 ? V128 : I32)

export const LOADS: Partial<Record<Size, MemoryOp | SimdMemoryOp>> = {
  8: 'i32_load8_u',
  16: 'i32_load16_u',
  32: 'i32_load',
  64: 'i64_load',
  128: 'v128_load',
}

export const STORES: Partial<Record<Size, MemoryOp | SimdMemoryOp>> = {
  8: 'i32_store8',
  16: 'i32_store16',
  32: 'i32_store',
  64: 'i64_store',
  128: 'v128_store',
}

/** Argument of `slow`: what the access is for. */
export const HOW = { read: 0, write: 1, both: 3, stack: 4 } as const

/** What an access needs of the function it is emitted into. */
export interface Site {
  readonly e: Emit
  /** Byte offset of the CPU area. */
  readonly base: number
  /** Host address of the TLB half in use, i32. */
  tlb(): Val
  /** A runtime function. */
  func(name: string): Callee
  /** Notes which instruction runs; TypeScript may be called after it. */
  mark(): void
  /** Leaves: S.vector holds an exception. */
  fault(): void
}

/** Where the soft-TLB's half at `tlb` has the entry of a linear address, of which the low word is given. */
export const tlbSlot = (low: Val, tlb: Val | number): Val =>
  low
    .shrU(7)
    .and((TLB.entries - 1) * TLB.entryBytes)
    .add(tlb)

/** Opens guest memory at a linear address (i64). `bounded`: the segment has limits, so nothing is said about the bytes behind. */
export function access(site: Site, linear: Val, size: Size, intent: Intent, stack: boolean, bounded: boolean): Place {
  const { e, base } = site
  const bytes = size === 0 ? 1 : size / 8
  const va = e.let(linear)
  const low = e.let(va.to32())
  const slot = e.let(tlbSlot(low, site.tlb()))
  const tag = e.load(I64, 'i64_load', slot, intent === 'read' ? TLB.readTag : TLB.writeTag)
  const hostLocal = e.temp(I32)
  const host = local(I32, hostLocal)
  e.assign(hostLocal, low.add(e.load(I32, 'i32_load', slot, TLB.addend)))
  const page = (bytes === 1 ? va : va.add(bytes - 1)).and(-4096)
  e.unlikely(page.ne(tag), () => {
    site.mark()
    const how = HOW[intent] + (stack ? HOW.stack : 0)
    e.assign(hostLocal, e.call(site.func('slow'), [low, va.shrU(32).to32(), k32(how), k32(bytes)], I32))
    e.unlikely(host.eq(-1), () => site.fault())
  })
  return {
    run: () => {
      if (bounded) return { host, bytes: k32(0) }
      // The entry may have gone since: another place of the instruction can need the same slot.
      const now = e.load(I64, 'i64_load', slot, intent === 'read' ? TLB.readTag : TLB.writeTag)
      const left = k32(4096).sub(low.and(4095))
      return { host, bytes: e.let(select(now.eq(va.and(-4096)), left, k32(0))) }
    },
    get: () => {
      if (size === 80 || size === 0) throw new Error(`a memory operand of ${size} bits has no value of its own`)
      return e.load(typeOf(size), LOADS[size]!, host)
    },
    set: (value) => {
      e.store(value.type === F64 ? 'f64_store' : STORES[size]!, host, value)
      const slots = base + S.slowWrites
      e.unlikely(host.sub(slots).ltU(SLOW_WRITE_BYTES), () => {
        e.call(site.func('commit'), [host])
      })
    },
  }
}

/** Slots of S.slowReads and S.slowWrites in bytes: powers of two. */
export const SLOW_READ_BYTES = 128
export const SLOW_WRITE_BYTES = 256
