/** What the switch does besides hot handlers: links between blocks, exceptions, jumps. */
import { I32, I64 } from '@godwit/wasm-encoder'
import { EXIT, S } from '../state.ts'
import { k32, type Val } from '../wasm/value.ts'
import { remaining, spend, type Account } from './budget.ts'
import { emitLookUp, isNotCanonical } from './jump-cache.ts'
import { FIXED_HANDLERS, HANDLER, R } from './record.ts'
import { exitIfHeld, type Frame } from './unit.ts'

/** Cases 0 to 2. */
export function fixedBodies(frame: Frame, record: Val): (() => void)[] {
  const { e, base } = frame
  const store = (offset: number, value: Val): void => e.store('i32_store', k32(0), value, base + offset)
  const bodies: (() => void)[] = []
  bodies[HANDLER.dead] = () => {
    store(S.exitRecord, record)
    store(S.exit, k32(EXIT.dead))
    frame.exit()
  }
  bodies[HANDLER.forward] = () => {
    frame.goto(e.load(I32, 'i32_load', record, R.link))
    e.release()
  }
  bodies[HANDLER.next] = () => {
    const index = e.load(I32, 'i32_load16_u', record, R.index)
    const left = spend(frame, index)
    const link = e.load(I32, 'i32_load', record, R.link)
    e.unlikely(link.isZero().or(left.ltS(0)), () => {
      const page = e.load(I64, 'i64_load', k32(0), base + S.codePage)
      const mask = e.load(I64, 'i64_load', k32(0), base + S.codeMask)
      frame.jump(page.add(e.load(I64, 'i64_load16_u', record, R.offset)).and(mask))
    })
    frame.goto(link)
    e.release()
  }
  if (bodies.length !== FIXED_HANDLERS) throw new Error('fixed handlers are not what records count on')
  return bodies
}

/** Generated code has left: goes on, at S.rip, if it was an exception that is delivered right here. */
export function emitFault(frame: Frame): void {
  const { e, base } = frame
  const exit = (): void => frame.exit()
  e.if(e.load(I32, 'i32_load', k32(0), base + S.exit).ne(EXIT.fault), exit)
  e.if(e.call(frame.func('deliver_fault'), [], I32).isZero(), exit)
  exitIfHeld(e, base, exit)
}

/** Goes on at `rip` by the jump cache, or leaves. */
export function emitJump(account: Account, jumpCache: number, rip: Val, record: Val, loop: number): void {
  const { e, base } = account
  const { func } = e
  const load64 = (offset: number): Val => e.load(I64, 'i64_load', k32(0), base + offset)
  const leave = (exit: number): void => {
    e.store('i64_store', k32(0), rip, base + S.rip)
    e.store('i32_store', k32(0), k32(exit), base + S.exit)
    func.ret()
  }
  e.unlikely(remaining(account).ltS(0), () => {
    e.store('i32_store', k32(0), record, base + S.exitRecord)
    leave(EXIT.budget)
  })
  const linear = e.let(rip.add(load64(S.codeBase)).and(load64(S.codeMask)))
  const next = emitLookUp(e, base, jumpCache, linear)
  e.unlikely(next.unknown.or(isNotCanonical(linear)), () => leave(EXIT.jump))
  e.store('i64_store', k32(0), rip.sub(linear.and(0xfff)), base + S.codePage)
  // An instruction runs after STI without the run loop: that was the one to let pass.
  e.store('i32_store', k32(0), k32(0), base + S.shadow)
  e.assign(0, next.record())
  e.release()
  e.br({ depth: loop })
}
