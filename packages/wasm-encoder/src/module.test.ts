import { expect, test } from 'vitest'
import { Func, I32, I64, Module } from './index.ts'

const run = (module: Module, imports: WebAssembly.Imports = {}): Record<string, (...args: unknown[]) => unknown> =>
  new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), imports).exports as never

test('64-bit constants in halves come out whole', () => {
  const values = [
    0n,
    1n,
    -1n,
    63n,
    64n,
    -64n,
    -65n,
    2n ** 31n,
    -(2n ** 31n),
    2n ** 63n - 1n,
    -(2n ** 63n),
    0x1234_5678_9abc_def0n,
  ]
  const module = new Module()
  values.forEach((v, i) => {
    const { func } = module.func([], [I64], `v${i}`)
    func.i64(Number(BigInt.asIntN(32, v)), Number(BigInt.asIntN(32, v >> 32n)))
  })
  const exports = run(module)
  expect(values.map((_, i) => exports[`v${i}`]!())).toEqual(values)
})

test('a body made before its module calls an import declared for it', () => {
  const body = new Func([I32], [I32])
  body.get(0).call(0).i32(1).op('i32_add')
  const module = new Module()
  module.importFunc('e', 'twice', [I32], [I32])
  module.add(body, 'f')
  expect(run(module, { e: { twice: (n: number) => 2 * n } })['f']!(20)).toBe(41)
})

test('an import after the first function is refused', () => {
  const module = new Module()
  module.func([], [])
  expect(() => module.importFunc('e', 'late', [], [])).toThrow(/after the first function/)
})
