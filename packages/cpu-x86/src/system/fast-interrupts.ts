/**
 * Interrupts and exceptions as kernels have them: through an interrupt or trap gate from privilege 3 or 0 into flat code of
 * privilege 0 in the same mode. What delivery means is interrupts.ts's, and what becomes of its faults exceptions.ts's.
 */
import { I32, I64, type MemoryOp } from '@godwit/wasm-encoder'
import { FLAG, TR } from '../cpu-state.ts'
import { wasm, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { EXC, S, SEG } from '../state.ts'
import { isNotCanonical } from '../tier0/jump-cache.ts'
import { R } from '../tier0/record.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import { LONG, PrivilegeEmit, type TlbHalves } from './privilege.ts'
import { CODE32, CODE64, DATA } from './syscall.ts'

const RSP = S.gpr + 32
/** Gates in place of the second word: present, of 32 or 64 bits; interrupt or trap. */
const GATE = 0x8e00
const TRAP = 0x100
const TASK = S.seg + TR * SEG.size
/** A TSS of 32 or 64 bits. */
const WIDE = 0x800

export const fastInterrupts = (tlb: TlbHalves): RuntimeFunctions => ({
  /** (vector, whether software asked for it, whether there is an error code, the code) -> 1, or 0: nothing was done. */
  deliver: deliver(tlb),
  /** The fault that S.vector has, of the instruction of S.exitRecord -> 1, or 0: the run loop has to deliver it. */
  deliver_fault: deliverFault,
})

/** INT n, before `int_n_slow`. */
export const fastInterrupt: RuntimeFunction = wasm([I32], [I32], (f, link) => {
  f.get(0).i32(1).i32(0).i32(0).call(link.func('deliver')).op('i32_eqz').if()
  f.get(0).call(link.func('int_n_slow')).ret()
  f.end().i32(0)
})

const deliverFault: RuntimeFunction = wasm([], [I32], (f, link) => {
  const p = new PrivilegeEmit(f, link, { supervisor: 0, user: 0 }, () => {
    f.i32(0).ret()
  })
  const { e } = p
  const vector = p.word(S.vector)
  const coded = e.flag(vector.eq(EXC.PF).or(vector.eq(EXC.GP)))
  p.slowIf(coded.or(vector.eq(EXC.NM)).or(vector.eq(EXC.DE)).isZero())
  p.slowIf(p.word(S.eflags).and(FLAG.TF))
  const record = p.word(S.exitRecord)
  const rip = e.let(p.wide(S.codePage).add(e.load(I64, 'i64_load16_u', record, R.offset)))
  p.set(S.rip, select(p.word(S.modeKey).eq(LONG), rip, rip.zext(32)))
  const code = select(p.word(S.hasErrorCode), p.word(S.errorCode), k32(0))
  p.slowIf(e.call(link.func('deliver'), [vector, k32(0), coded, code], I32).isZero())
  // An instruction that faults counts.
  p.set(S.budget, p.word(S.budget).sub(e.load(I32, 'i32_load16_u', record, R.index).add(1)))
  p.set(S.shadow, k32(0))
  const counter = e.let(vector.shl(2))
  e.store('i32_store', counter, e.load(I32, 'i32_load', counter, p.base + S.exceptions).add(1), p.base + S.exceptions)
  f.i32(1)
})

const deliver = (tlb: TlbHalves): RuntimeFunction =>
  wasm([I32, I32, I32, I32], [I32], (f, link) => {
    const p = new PrivilegeEmit(f, link, tlb, () => {
      f.i32(0).ret()
    })
    const event: Event = {
      vector: local(I32, 0),
      software: local(I32, 1),
      coded: local(I32, 2),
      code: local(I32, 3),
      cpl: p.word(S.cpl),
    }
    p.slowIf(event.cpl.isZero().or(event.cpl.eq(3)).isZero())
    p.requireNoSmap()
    p.e.if(
      p.requireFlat(),
      () => deliver64(p, event),
      () => deliver32(p, event),
    )
    p.privilege(0)
    f.i32(1)
  })

interface Event {
  readonly vector: Val
  readonly software: Val
  readonly coded: Val
  readonly code: Val
  readonly cpl: Val
}

interface Gate {
  readonly host: Val
  /** Second word. */
  readonly high: Val
  readonly offset: Val
  readonly selector: Val
}

function gateOf(p: PrivilegeEmit, event: Event, bytes: 8 | 16): Gate {
  const { e } = p
  const at = e.let(event.vector.mul(bytes))
  p.slowIf(at.add(bytes - 1).gtU(p.word(S.idtLimit)))
  const host = p.supervisor(e.let(p.wide(S.idtBase).add(at.to64u())), bytes, 'read')
  const low = p.word32(host, 0)
  const high = p.word32(host, 4)
  const barred = event.software.and(high.shrU(13).and(3).ltU(event.cpl))
  p.slowIf(
    high
      .and(GATE | 0x1000)
      .ne(GATE)
      .or(barred),
  )
  const offset = e.let(low.and(0xffff).or(high.and(0xffff_0000 | 0)))
  return { host, high, offset, selector: e.let(low.shrU(16)) }
}

/** Where the TSS has a stack pointer. */
function taskAt(p: PrivilegeEmit, offset: Val, bytes: number): Val {
  p.slowIf(offset.add(bytes - 1).gtU(p.word(TASK + SEG.limit)))
  return p.supervisor(p.e.let(p.wide(TASK + SEG.base).add(offset.to64u())), 8, 'read')
}

/** Writes a frame from its top down. */
function pushes(p: PrivilegeEmit, host: Val, top: Val, size: 4 | 8): (value: Val) => void {
  const op: MemoryOp = size === 8 ? 'i64_store' : 'i32_store'
  let at = top
  return (value) => {
    at = p.e.let(at.sub(size))
    p.e.store(op, host.add(at), size === 8 ? value.to64u() : value)
  }
}

function enter(p: PrivilegeEmit, gate: Gate): void {
  const flags = p.word(S.eflags).and(~(FLAG.TF | FLAG.VM | FLAG.RF | FLAG.NT))
  p.systemFlags(select(gate.high.and(TRAP), flags, flags.and(~FLAG.IF)))
}

function deliver32(p: PrivilegeEmit, event: Event): void {
  const { e } = p
  const gate = gateOf(p, event, 8)
  const code = p.requireDescriptor(gate.selector, CODE32, 0)
  const sp = e.let(p.word(RSP))
  const top = e.temp(I32)
  const ss = e.temp(I32)
  const stack = e.temp(I32)
  e.assign(top, sp)
  e.if(event.cpl, () => {
    p.slowIf(
      p
        .word(TASK + SEG.flags)
        .and(WIDE)
        .isZero(),
    )
    const task = taskAt(p, k32(4), 6)
    e.assign(top, p.word32(task, 0))
    e.assign(ss, p.word32(task, 4).and(0xffff))
    p.slowIf(local(I32, ss).and(3))
    e.assign(stack, p.requireDescriptor(local(I32, ss), DATA, 0))
  })
  const bytes = e.let(select(event.cpl, k32(20), k32(12)).add(event.coded.shl(2)))
  const to = e.let(local(I32, top).sub(bytes))
  const host = p.supervisor(e.let(to.to64u()), bytes, 'write')
  const image = p.image()
  const inner = pushes(p, host, bytes, 4)
  e.if(event.cpl, () => {
    inner(p.word(S.seg + 2 * SEG.size + SEG.selector))
    inner(sp)
    p.flatSegment(2, local(I32, ss), local(I32, stack), false)
  })
  const push = pushes(p, host, e.let(event.coded.shl(2).add(12)), 4)
  push(image)
  push(p.word(S.seg + SEG.size + SEG.selector))
  push(p.word(S.rip))
  e.if(event.coded, () => push(event.code))
  p.set(RSP, to.to64u())
  enter(p, gate)
  p.set(S.rip, gate.offset.to64u())
  p.flatSegment(1, gate.selector.and(0xfffc), code, true)
}

function deliver64(p: PrivilegeEmit, event: Event): void {
  const { e } = p
  const gate = gateOf(p, event, 16)
  const target = e.let(p.word32(gate.host, 8).to64u().shl(32).or(gate.offset.to64u()))
  p.slowIf(isNotCanonical(target))
  const code = p.requireDescriptor(gate.selector, CODE64, 0)
  const sp = p.wide(RSP)
  const top = e.temp(I64)
  e.assign(top, sp)
  const ist = e.let(gate.high.and(7))
  e.if(ist.or(event.cpl), () => {
    const at = e.let(select(ist, ist.shl(3).add(0x24 - 8), k32(4)))
    e.assign(top, p.word64(taskAt(p, at, 8), 0))
  })
  const bytes = e.let(event.coded.shl(3).add(40))
  const to = e.let(local(I64, top).and(k64(-16)).sub(bytes.to64u()))
  const host = p.supervisor(to, bytes, 'write')
  const push = pushes(p, host, bytes, 8)
  const image = p.image()
  push(p.word(S.seg + 2 * SEG.size + SEG.selector))
  push(sp)
  push(image)
  push(p.word(S.seg + SEG.size + SEG.selector))
  push(p.wide(S.rip))
  e.if(event.coded, () => push(event.code))
  e.if(event.cpl, () => p.nullSegment(2))
  p.set(RSP, to)
  enter(p, gate)
  p.set(S.rip, target)
  p.flatSegment(1, gate.selector.and(0xfffc), code, true)
}
