import { expect, test } from 'vitest'
import { F32, F64, Func, I32, I64, Module, VOID } from './index.ts'

function instantiate(module: Module, imports: WebAssembly.Imports = {}): Record<string, (...args: never[]) => unknown> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), imports)
  return exports as Record<string, (...args: never[]) => unknown>
}

const sections = (bytes: Uint8Array): number[] => {
  const ids: number[] = []
  for (let at = 8; at < bytes.length;) {
    ids.push(bytes[at++]!)
    let size = 0
    for (let shift = 0; ; shift += 7) {
      const b = bytes[at++]!
      size |= (b & 0x7f) << shift
      if (b < 0x80) break
    }
    at += size
  }
  return ids
}

test('a module with every kind of section runs: imports, table, globals, exports, elements, hints, code', () => {
  const m = new Module()
  const log = m.importFunc('host', 'log', [I32], [])
  m.importMemory('host', 'memory', { min: 1, max: 1 })
  const start = m.importGlobal('host', 'start', I32, false)
  m.ownTable(2, 2)
  const count = m.global(I32, true, -5)
  const twice = m.func([I32], [I32])
  twice.func.get(0).i32(1).op('i32_shl')
  const third = m.func([I32], [I32])
  third.func.get(0).i32(3).op('i32_div_s')
  m.elem(0, [twice.index, third.index])
  m.exportTable('table')
  const { func: f } = m.func([I32, I32], [I32], 'pick')
  f.get(1).hint(0).if().get(1).call(log).end()
  f.getGlobal(count).i32(1).op('i32_add').setGlobal(count)
  f.i32(16).getGlobal(count).mem('i32_store', 4)
  f.getGlobal(start)
    .get(0)
    .op('i32_add')
    .get(1)
    .callIndirect(m.type([I32], [I32]))

  const bytes = m.bytes()
  expect(sections(bytes)).toEqual([1, 2, 3, 4, 6, 7, 9, 0, 10])
  const logged: number[] = []
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const host = { log: (n: number) => logged.push(n), memory, start: new WebAssembly.Global({ value: 'i32' }, 30) }
  const exports = instantiate(m, { host })
  const pick = exports['pick'] as unknown as (a: number, b: number) => number
  expect([pick(3, 0), pick(3, 1)]).toEqual([66, 11])
  expect(logged).toEqual([1])
  expect(new DataView(memory.buffer).getInt32(20, true)).toBe(-3)
  expect((exports['table'] as unknown as WebAssembly.Table).length).toBe(2)
})

test('a module over an imported table and a shared memory instantiates with both', () => {
  const m = new Module()
  m.importTable('host', 'table', 1)
  m.importMemory('host', 'memory', { min: 1, max: 2, shared: true })
  const { func } = m.func([I32], [I32], 'next')
  func.get(0).i32(1).atomic('i32_atomic_rmw_add', 8)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true })
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  const next = instantiate(m, { host: { memory, table } })['next'] as unknown as (a: number) => number
  expect([next(0), next(0), next(0)]).toEqual([0, 1, 2])
})

test('locals of mixed types keep the numbers they were given', () => {
  const m = new Module()
  const { func: f } = m.func([I32], [F64], 'sum')
  const [a, b, c, d] = [f.local(I64), f.local(F32), f.local(F32), f.local(I64)]
  f.i64(0x89ab_cdef, 0x0123_4567).set(a).f32(0.5).set(b).f32(0.25).set(c).i64(-1).set(d)
  f.get(a).get(d).op('i64_xor', 'f64_convert_i64_s')
  f.get(b).get(c).op('f32_add', 'f64_promote_f32', 'f64_add')
  f.get(0).op('f64_convert_i32_s', 'f64_add')
  const sum = instantiate(m)['sum'] as unknown as (a: number) => number
  expect(sum(7)).toBe(Number(BigInt.asIntN(64, ~0x0123_4567_89ab_cdefn)) + 0.75 + 7)
})

test('branches go where their depth says: loop, br_table, else, return', () => {
  const m = new Module()
  const { func: f } = m.func([I32], [I32], 'classify')
  f.block().block().block().get(0).brTable([0, 1], 2).end().i32(100).ret().end().i32(200).ret().end()
  const i = f.local(I32)
  f.loop(VOID).get(i).i32(1).op('i32_add').tee(i).get(0).op('i32_lt_s').brIf(0).end()
  f.get(i).i32(5).op('i32_gt_s').if(I32).i32(-1).else().get(i).end()
  const classify = instantiate(m)['classify'] as unknown as (a: number) => number
  expect([classify(0), classify(1), classify(3), classify(9)]).toEqual([100, 200, 3, -1])
})

test('tail calls run a million deep, direct and through the table', () => {
  const m = new Module()
  const down = new Func([I32], [I32])
  down.get(0).op('i32_eqz').if().i32(42).ret().end().get(0).i32(1).op('i32_sub').returnCall(0)
  m.add(down, 'down')
  const through = new Func([I32], [I32])
  through.get(0).op('i32_eqz').if().i32(43).ret().end().get(0).i32(1).op('i32_sub').i32(0)
  through.returnCallIndirect(m.type([I32], [I32]))
  m.ownTable(1)
  m.elem(0, [m.add(through, 'through')])
  const exports = instantiate(m) as unknown as Record<string, (n: number) => number>
  expect(exports['down']!(1_000_000)).toBe(42)
  expect(exports['through']!(1_000_000)).toBe(43)
})

test('memory is filled and copied', () => {
  const m = new Module()
  m.importMemory('host', 'memory', { min: 1 })
  const { func } = m.func([], [], 'go')
  func.i32(8).i32(0x5a).i32(4).memoryFill().i32(10).i32(8).i32(4).memoryCopy()
  const memory = new WebAssembly.Memory({ initial: 1 })
  const go = instantiate(m, { host: { memory } })['go'] as unknown as () => void
  go()
  expect([...new Uint8Array(memory.buffer, 7, 8)]).toEqual([0, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0])
})

test('equal function types share one entry', () => {
  const m = new Module()
  expect(m.type([I32, I64], [I32])).toBe(m.type([I32, I64], [I32]))
  expect(m.type([I32], [I64, I32])).not.toBe(m.type([I32, I64], [I32]))
})

test('an import after the first function is refused by name: it would shift every index', () => {
  const m = new Module()
  m.func([], [])
  expect(() => m.importFunc('host', 'late', [], [])).toThrow('import host.late after the first function')
})

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
  const exports = instantiate(module)
  expect(values.map((_, i) => (exports[`v${i}`] as () => bigint)())).toEqual(values)
})

test('a body made before its module calls an import declared for it', () => {
  const body = new Func([I32], [I32])
  body.get(0).call(0).i32(1).op('i32_add')
  const module = new Module()
  module.importFunc('e', 'twice', [I32], [I32])
  module.add(body, 'f')
  expect(instantiate(module, { e: { twice: (n: number) => 2 * n } })['f']!(20 as never)).toBe(41)
})

test('globals start with their values, also 64-bit and negative ones', () => {
  const m = new Module()
  const [wide, narrow] = [m.global(I64, false, -2), m.global(I32, true, 7)]
  m.func([], [I64], 'wide').func.getGlobal(wide)
  m.func([], [I32], 'narrow').func.i32(9).setGlobal(narrow).getGlobal(narrow)
  const exports = instantiate(m)
  expect([(exports['wide'] as () => bigint)(), (exports['narrow'] as () => number)()]).toEqual([-2n, 9])
})

test('a branch hint names its function with the imports counted, and the place of its branch behind the locals', () => {
  const m = new Module()
  m.importFunc('host', 'a', [], [])
  m.func([], [])
  const { func } = m.func([I32], [])
  func.local(I64)
  func.get(0).hint(1).if().end()
  const bytes = m.bytes()
  const name = 'metadata.code.branch_hint'
  const text = String.fromCharCode(...bytes)
  const at = text.indexOf(name) + name.length
  // one function: number 2, one hint at byte 5 (three of locals, two of local.get), one byte of value
  expect([...bytes.subarray(at, at + 6)]).toEqual([1, 2, 1, 5, 1, 1])
  const body = text.lastIndexOf(String.fromCharCode(1, 1, I64, 0x20, 0, 0x04))
  expect(bytes[body + 5]).toBe(0x04)
})
