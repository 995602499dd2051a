import { expect, test } from 'vitest'
import { disassemble } from './disassemble.ts'
import { Func, I32, I64 } from './func.ts'
import { ATOMIC, LANE, MEMORY, PLAIN, SATURATING, SIMD, SIMD_MEMORY } from './opcodes.ts'

const textOf = (build: (f: Func) => void): string[] => {
  const func = new Func([I32], [])
  build(func)
  return disassemble(func.view()).map(({ depth, text }) => '  '.repeat(depth) + text)
}

test('Blocks are indented, and constants have their values.', () => {
  const text = textOf((f) => {
    f.block().loop(I64).get(0).if().i32(-5).set(300).else().br(2).end().i64(1, -2).end().op('drop').end()
  })
  expect(text).toEqual([
    ...['block', '  loop (result i64)', '    local.get 0', '    if', '      i32.const -5', '      local.set 300'],
    ...['    else', '      br 2', '    end', '    i64.const -8589934591', '  end', '  drop', 'end'],
  ])
})

test('Every instruction the encoder knows is named.', () => {
  for (const name of Object.keys({ ...PLAIN, ...SATURATING, ...SIMD }))
    expect(textOf((f) => void f.op(name as 'drop'))).toEqual([name.replace('_', '.')])
  for (const name of Object.keys({ ...MEMORY, ...SIMD_MEMORY }))
    expect(textOf((f) => void f.mem(name as 'i32_load', 300))).toEqual([`${name.replace('_', '.')} offset=300`])
  for (const name of Object.keys(LANE))
    expect(textOf((f) => void f.lane(name as keyof typeof LANE, 1))).toEqual([`${name.replace('_', '.')} 1`])
  for (const name of Object.keys(ATOMIC))
    expect(textOf((f) => void f.atomic(name as keyof typeof ATOMIC, 4))[0]).toContain(name.replace('_', '.'))
})

test('Operands of all forms are passed over.', () => {
  const text = textOf((f) => {
    const lanes = Array.from({ length: 16 }, (_, i) => i)
    f.f32(1.5).f64(-2).v128(lanes).shuffle(lanes).brTable([0, 1], 2).call(7).callIndirect(3).memoryFill().memoryCopy()
    f.returnCall(1).returnCallIndirect(2).getGlobal(1).setGlobal(2).tee(9).brIf(1).ret()
  })
  expect(text).toEqual([
    ...['f32.const 1.5', 'f64.const -2', 'v128.const 0x0f0e0d0c0b0a09080706050403020100'],
    ...[`i8x16.shuffle ${Array.from({ length: 16 }, (_, i) => i).join(' ')}`, 'br_table 0 1 2', 'call 7'],
    ...['call_indirect 3 0', 'memory.fill 0', 'memory.copy 0 0', 'return_call 1', 'return_call_indirect 2 0'],
    ...['global.get 1', 'global.set 2', 'local.tee 9', 'br_if 1', 'return'],
  ])
})

test('A torn body and a byte that is no instruction are refused.', () => {
  expect(() => disassemble(Uint8Array.of(0x41))).toThrow('the body ends at 1')
  expect(() => disassemble(Uint8Array.of(0x01, 0xff))).toThrow()
})
