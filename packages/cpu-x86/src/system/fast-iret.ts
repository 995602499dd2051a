/**
 * IRET as kernels use it: from privilege 0 to 0 or 3, flat code to flat code of the same mode, nothing nested, no V86.
 * What it means is iret.ts's.
 */
import { I32 } from '@godwit/wasm-encoder'
import { DESC, FLAG } from '../cpu-state.ts'
import { wasm, type RuntimeFunction } from '../runtime.ts'
import { S, SEG } from '../state.ts'
import { isNotCanonical } from '../tier0/jump-cache.ts'
import { k32, local, select, type Val } from '../wasm/value.ts'
import { FREE } from './iret.ts'
import { FLAT_32, LONG, PrivilegeEmit, type TlbHalves } from './privilege.ts'
import { CODE32, CODE64, DATA } from './syscall.ts'

const RSP = S.gpr + 32

/** (operand size) -> 0, or 1 for a fault. */
export const fastReturn = (tlb: TlbHalves): RuntimeFunction =>
  wasm([I32], [I32], (f, link) => {
    const slow = (): void => {
      f.get(0).call(link.func('iret_slow')).ret()
    }
    const p = new PrivilegeEmit(f, link, tlb, slow)
    p.slowIf(p.word(S.cpl))
    p.requireNoSmap()
    p.slowIf(p.word(S.eflags).and(FLAG.NT))
    p.e.if(
      local(I32, 0).eq(64),
      () => from64(p),
      () => {
        p.slowIf(local(I32, 0).ne(32))
        from32(p)
      },
    )
    p.set(S.nmiBlocked, k32(0))
    f.i32(0)
  })

function from32(p: PrivilegeEmit): void {
  const { e } = p
  p.requireMode(FLAT_32)
  const sp = p.word(RSP)
  const host = p.supervisor(e.let(sp.to64u()), 12, 'read')
  const selector = e.let(p.word32(host, 4).and(0xffff))
  const flags = p.word32(host, 8)
  p.slowIf(flags.and(FLAG.VM))
  const cpl = e.let(selector.and(3))
  const code = p.requireDescriptor(selector, CODE32, cpl)
  const go = (): void => {
    p.set(S.rip, p.word32(host, 0).to64u())
    p.flatSegment(1, selector, code, true)
  }
  e.if(
    cpl,
    () => {
      const outer = e.let(p.supervisor(e.let(sp.to64u()), 20, 'read'))
      const ss = e.let(p.word32(outer, 16).and(0xffff))
      const stack = stackDescriptor(p, ss, cpl)
      requireNothingHidden(p)
      p.set(RSP, p.word32(outer, 12).to64u())
      go()
      p.flatSegment(2, ss, stack, false)
      p.privilege(3)
    },
    () => {
      p.set(RSP, e.let(sp.add(12)).to64u())
      go()
    },
  )
  load(p, flags)
}

function from64(p: PrivilegeEmit): void {
  const { e } = p
  p.requireMode(LONG)
  const host = p.supervisor(p.wide(RSP), 40, 'read')
  const rip = p.word64(host, 0)
  p.slowIf(isNotCanonical(rip))
  const selector = e.let(p.word32(host, 8).and(0xffff))
  const ss = e.let(p.word32(host, 32).and(0xffff))
  const cpl = e.let(selector.and(3))
  const code = p.requireDescriptor(selector, CODE64, cpl)
  const flags = p.word32(host, 16)
  const rsp = p.word64(host, 24)
  const go = (): void => {
    p.set(S.rip, rip)
    p.set(RSP, rsp)
    p.flatSegment(1, selector, code, true)
  }
  e.if(
    cpl.or(ss),
    () => {
      const stack = stackDescriptor(p, ss, cpl)
      e.if(cpl, () => requireNothingHidden(p))
      go()
      p.flatSegment(2, ss, stack, false)
      e.if(cpl, () => p.privilege(3))
    },
    () => {
      go()
      p.nullSegment(2)
    },
  )
  load(p, flags)
}

/** SS of privilege 0 or 3. */
function stackDescriptor(p: PrivilegeEmit, ss: Val, cpl: Val): Val {
  p.slowIf(
    ss
      .and(3)
      .ne(cpl)
      .or(cpl.isZero().or(cpl.eq(3)).isZero()),
  )
  return p.requireDescriptor(ss, DATA, cpl)
}

/** A return to privilege 3 clears segments that it may not see: there are none. */
function requireNothingHidden(p: PrivilegeEmit): void {
  for (const i of [0, 3, 4, 5]) {
    const at = S.seg + i * SEG.size
    const flags = p.word(at + SEG.flags)
    const conforming = flags.and(DESC.code | DESC.conforming).eq(DESC.code | DESC.conforming)
    const inner = flags.shrU(13).and(3).ne(3).and(conforming.isZero())
    p.slowIf(select(p.word(at + SEG.selector).and(0xfffc), inner, flags.ne(0)))
  }
}

function load(p: PrivilegeEmit, value: Val): void {
  const mask = FREE | FLAG.IF | FLAG.IOPL
  p.allFlags(p.word(S.eflags).and(~mask).or(value.and(mask)))
}
