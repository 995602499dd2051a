/** SYSENTER, SYSEXIT, SYSCALL and SYSRET as kernels use them: see privilege.ts. What they mean is syscall.ts's. */
import { I32 } from '@godwit/wasm-encoder'
import { EFER, FLAG } from '../cpu-state.ts'
import { wasm, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { S } from '../state.ts'
import { isNotCanonical } from '../tier0/jump-cache.ts'
import { k32, k64, local, select } from '../wasm/value.ts'
import { FLAT_32, LONG, PrivilegeEmit, type TlbHalves } from './privilege.ts'
import { CODE32, CODE64, DATA, DPL3, RETURN_FLAGS } from './syscall.ts'

const RCX = S.gpr + 8
const RDX = S.gpr + 16
const RSP = S.gpr + 32
const R11 = S.gpr + 88

/** Each calls its namesake with `_slow` behind where it does not do the work. */
export function fastCalls(tlb: TlbHalves): RuntimeFunctions {
  const quick = (name: string, parameters: number, body: (p: PrivilegeEmit) => void): RuntimeFunction =>
    wasm(
      Array.from({ length: parameters }, () => I32),
      [I32],
      (f, link) => {
        const slow = (): void => {
          for (let i = 0; i < parameters; i++) f.get(i)
          f.call(link.func(`${name}_slow`)).ret()
        }
        body(new PrivilegeEmit(f, link, tlb, slow))
        f.i32(0)
      },
    )
  return {
    sysenter: quick('sysenter', 0, systemEnter),
    sysexit: quick('sysexit', 1, (p) => {
      const wide = local(I32, 0).eq(64)
      p.e.if(
        wide,
        () => systemExit(p, true),
        () => systemExit(p, false),
      )
    }),
    syscall: quick('syscall', 0, systemCall),
    sysret: quick('sysret', 1, (p) => {
      p.slowIf(local(I32, 0).ne(64))
      systemReturn(p)
    }),
  }
}

function systemEnter(p: PrivilegeEmit): void {
  const long = p.requireFlat()
  const selector = p.e.let(p.word(S.sysenterCs).and(0xfffc))
  p.slowIf(selector.isZero())
  const mask = p.e.let(select(long, k64(-1, -1), k64(-1, 0)))
  p.systemFlags(p.word(S.eflags).and(~(FLAG.IF | FLAG.RF)))
  p.set(S.rip, p.wide(S.sysenterEip).and(mask))
  p.set(RSP, p.wide(S.sysenterEsp).and(mask))
  p.flatSegment(1, selector, select(long, k32(CODE64), k32(CODE32)), true)
  p.flatSegment(2, selector.add(8).and(0xfffc), k32(DATA), false)
  p.privilege(0)
}

function systemExit(p: PrivilegeEmit, wide: boolean): void {
  p.requireMode(wide ? LONG : FLAT_32)
  p.slowIf(p.word(S.cpl))
  const selector = p.e.let(p.word(S.sysenterCs).and(0xfffc))
  p.slowIf(selector.isZero())
  const rip = p.wide(RDX)
  const rsp = p.wide(RCX)
  if (wide) p.slowIf(isNotCanonical(rip).or(isNotCanonical(rsp)))
  p.set(S.rip, wide ? rip : rip.zext(32))
  p.set(RSP, wide ? rsp : rsp.zext(32))
  const at = selector.add(wide ? 32 : 16)
  p.flatSegment(1, at.and(0xfffc).or(3), k32((wide ? CODE64 : CODE32) | DPL3), true)
  p.flatSegment(2, at.add(8).and(0xfffc).or(3), k32(DATA | DPL3), false)
  p.privilege(3)
}

function systemCall(p: PrivilegeEmit): void {
  p.requireMode(LONG)
  p.slowIf(p.word(S.efer).and(EFER.SCE).isZero())
  const target = p.wide(S.lstar)
  p.slowIf(isNotCanonical(target))
  const flags = p.e.let(p.image().and(~FLAG.RF))
  p.set(RCX, p.wide(S.rip))
  p.set(R11, flags.to64u())
  p.allFlags(flags.and(p.word(S.fmask).not()))
  p.set(S.rip, target)
  const selector = p.word(S.star + 4)
  p.flatSegment(1, selector.and(0xfffc), k32(CODE64), true)
  p.flatSegment(2, selector.add(8).and(0xfffc), k32(DATA), false)
  p.privilege(0)
}

function systemReturn(p: PrivilegeEmit): void {
  p.requireMode(LONG)
  p.slowIf(p.word(S.efer).and(EFER.SCE).isZero().or(p.word(S.cpl)))
  const target = p.wide(RCX)
  p.slowIf(isNotCanonical(target))
  p.allFlags(p.word(R11).and(RETURN_FLAGS).or(2))
  p.set(S.rip, target)
  const selector = p.e.let(p.word(S.star + 4).shrU(16))
  p.flatSegment(1, selector.add(16).or(3), k32(CODE64 | DPL3), true)
  p.flatSegment(2, selector.add(8).or(3), k32(DATA | DPL3), false)
  p.privilege(3)
}
