/** MOV from the control registers that are only read. What it means is control.ts's. */
import { I32, I64 } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunction } from '../runtime.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, local } from '../wasm/value.ts'

/** (number) -> 0 with the value in S.result, or 1 where nothing was done. */
export const tryMoveFromCr: RuntimeFunction = wasm([I32], [I32], (f, { base }) => {
  const e = new Emit(f)
  e.unlikely(e.load(I32, 'i32_load', k32(0), base + S.cpl), () => {
    f.i32(1).ret()
  })
  for (const [n, at] of [
    [2, S.cr2],
    [3, S.cr3],
    [0, S.cr0],
    [4, S.cr4],
  ] as const)
    e.if(local(I32, 0).eq(n), () => {
      e.store('i64_store', k32(0), e.load(I64, 'i64_load', k32(0), base + at), base + S.result)
      f.i32(0).ret()
    })
  f.i32(1)
})
