/** Every row of the opcode tables is compiled by the engine at hand, and where JavaScript knows the operation, compared. */
import { expect, test } from 'vitest'
import type { Func } from './index.ts'
import { F32, F64, I32, I64, Module, V128, type ValueType } from './index.ts'
import { ATOMIC, LANE, MEMORY, PLAIN, SATURATING, SIMD, SIMD_MEMORY } from './opcodes.ts'
import type { AtomicOp, LaneOp, MemoryOp, PlainOp, SaturatingOp, SimdMemoryOp, SimdOp } from './opcodes.ts'

const TYPES: Record<string, ValueType> = { i32: I32, i64: I64, f32: F32, f64: F64, v128: V128 }
const typeOf = (name: string): ValueType => TYPES[name.split('_')[0]!]!
const names = <T extends string>(table: Record<T, unknown>): T[] => Object.keys(table) as T[]

/** A function of exactly these types around one operation: the engine refuses it if the operation's types are others. */
function compile(params: ValueType[], results: ValueType[], emit: (f: Func) => void): WebAssembly.Instance {
  const m = new Module()
  m.importMemory('host', 'memory', { min: 1, max: 1, shared: true })
  const { func } = m.func(params, results, 'run')
  params.forEach((_, i) => func.get(i))
  emit(func)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  return new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { host: { memory } })
}

const UNARY = /^(clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|extend\d+_s)$/
const COMPARE = /^(eq|ne|lt|gt|le|ge)(_[su])?$/
const CONVERT = /_(i32|i64|f32|f64)(_[su])?$/

function scalarTypes(name: PlainOp | SaturatingOp): [ValueType[], ValueType[]] {
  const type = typeOf(name)
  const rest = name.slice(4)
  const from = CONVERT.exec(name)
  if (from !== null) return [[TYPES[from[1]!]!], [type]]
  if (rest === 'eqz') return [[type], [I32]]
  if (COMPARE.test(rest)) return [[type, type], [I32]]
  return UNARY.test(rest) ? [[type], [type]] : [[type, type], [type]]
}

test('no opcode has two names', () => {
  for (const tables of [[PLAIN], [SATURATING], [SIMD, LANE], [MEMORY], [ATOMIC]]) {
    const codes = tables.flatMap((t) => Object.values(t as Record<string, number | readonly number[]>).map(String))
    expect(new Set(codes).size).toBe(codes.length)
  }
})

test.each([...names(PLAIN), ...names(SATURATING)].filter((n) => /^[if]/.test(n)))(
  '%s has the types of its name',
  (name) => {
    const [params, results] = scalarTypes(name)
    expect(() => compile(params, results, (f) => f.op(name))).not.toThrow()
  },
)

test('select, drop, nop and unreachable do as they are called', () => {
  const run = compile([I32, I32, I32], [I32], (f) => f.op('nop', 'select', 'nop').i32(9).op('drop')).exports['run']
  expect([(run as (...n: number[]) => number)(1, 2, 0), (run as (...n: number[]) => number)(1, 2, 7)]).toEqual([2, 1])
  const trap = compile([], [], (f) => f.op('unreachable')).exports['run'] as () => void
  expect(trap).toThrow(WebAssembly.RuntimeError)
})

/** What integer operations mean, over n-bit values as bigint; u is unsigned, s signed. */
const INTEGER: Record<string, (a: bigint, b: bigint, bits: number) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  div_s: (a, b, n) => BigInt.asIntN(n, a) / BigInt.asIntN(n, b),
  div_u: (a, b) => a / b,
  rem_s: (a, b, n) => BigInt.asIntN(n, a) % BigInt.asIntN(n, b),
  rem_u: (a, b) => a % b,
  shl: (a, b, n) => a << (b % BigInt(n)),
  shr_s: (a, b, n) => BigInt.asIntN(n, a) >> (b % BigInt(n)),
  shr_u: (a, b, n) => a >> (b % BigInt(n)),
  rotl: (a, b, n) => (a << (b % BigInt(n))) | (a >> (BigInt(n) - (b % BigInt(n)))),
  rotr: (a, b, n) => (a >> (b % BigInt(n))) | (a << (BigInt(n) - (b % BigInt(n)))),
  clz: (a, _, n) => BigInt(a === 0n ? n : n - a.toString(2).length),
  ctz: (a, _, n) => BigInt(a === 0n ? n : a.toString(2).length - 1 - a.toString(2).lastIndexOf('1')),
  popcnt: (a) => BigInt([...a.toString(2)].filter((c) => c === '1').length),
  extend8_s: (a) => BigInt.asIntN(8, a),
  extend16_s: (a) => BigInt.asIntN(16, a),
  extend32_s: (a) => BigInt.asIntN(32, a),
  eqz: (a) => BigInt(a === 0n),
  eq: (a, b) => BigInt(a === b),
  ne: (a, b) => BigInt(a !== b),
  lt_s: (a, b, n) => BigInt(BigInt.asIntN(n, a) < BigInt.asIntN(n, b)),
  lt_u: (a, b) => BigInt(a < b),
  gt_s: (a, b, n) => BigInt(BigInt.asIntN(n, a) > BigInt.asIntN(n, b)),
  gt_u: (a, b) => BigInt(a > b),
  le_s: (a, b, n) => BigInt(BigInt.asIntN(n, a) <= BigInt.asIntN(n, b)),
  le_u: (a, b) => BigInt(a <= b),
  ge_s: (a, b, n) => BigInt(BigInt.asIntN(n, a) >= BigInt.asIntN(n, b)),
  ge_u: (a, b) => BigInt(a >= b),
}
const SAMPLES: [bigint, bigint][] = [
  [0xffff_ffff_ffff_fff5n, 3n],
  [0x8000_0000_8000_0080n, 0x7fff_fff1_ffff_fff1n],
  [5n, 5n],
  [0x1234_5678_9abc_def0n, 17n],
]

const integers = names(PLAIN).filter((n) => /^i/.test(n) && INTEGER[n.slice(4)] !== undefined)

test('all integer operations but conversions are compared with arithmetic', () => {
  const left = names(PLAIN).filter((n) => /^i/.test(n) && !integers.includes(n) && !CONVERT.test(n))
  expect(left).toEqual([])
})

test.each(integers)('%s computes what it is called', (name) => {
  const [params, results] = scalarTypes(name)
  const bits = name.startsWith('i32') ? 32 : 64
  const run = compile(params, results, (f) => f.op(name)).exports['run'] as (...n: unknown[]) => number | bigint
  for (const [a, b] of SAMPLES) {
    const operands = [a, b].map((v) => BigInt.asUintN(bits, v)) as [bigint, bigint]
    const given = operands.slice(0, params.length).map((v) => (bits === 32 ? Number(v) | 0 : v))
    const wanted = INTEGER[name.slice(4)]!(...operands, bits)
    expect(BigInt.asUintN(bits, BigInt(run(...given))), `${a}, ${b}`).toBe(BigInt.asUintN(bits, wanted))
  }
})

/** What operations on f64 mean; those on f32 are the same on the samples, which are exact in both. */
const FLOAT: Record<string, (a: number, b: number) => number> = {
  abs: (a) => Math.abs(a),
  neg: (a) => -a,
  ceil: (a) => Math.ceil(a),
  floor: (a) => Math.floor(a),
  trunc: (a) => Math.trunc(a),
  nearest: (a) => (a % 1 === 0.5 || a % 1 === -0.5 ? 2 * Math.round(a / 2) : Math.round(a)),
  sqrt: (a) => Math.sqrt(a),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  copysign: (a, b) => Math.sign(b) * Math.abs(a),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  gt: (a, b) => Number(a > b),
  le: (a, b) => Number(a <= b),
  ge: (a, b) => Number(a >= b),
}

test.each(names(PLAIN).filter((n) => /^f/.test(n) && FLOAT[n.slice(4)] !== undefined))(
  '%s computes what it is called',
  (name) => {
    const [params, results] = scalarTypes(name)
    const run = compile(params, results, (f) => f.op(name)).exports['run'] as (...n: number[]) => number
    for (const [a, b] of [
      [-2.5, 4],
      [3.5, -0.5],
      [6.25, 6.25],
      [-0.75, -8],
    ] as const) {
      const wanted = FLOAT[name.slice(4)]!(a, b)
      expect(run(...[a, b].slice(0, params.length)), `${a}, ${b}`).toBe(
        name.startsWith('f32') ? Math.fround(wanted) : wanted,
      )
    }
  },
)

function simdTypes(name: SimdOp): [ValueType[], ValueType[]] {
  const [shape, ...words] = name.split('_') as [string, ...string[]]
  const rest = words.join('_')
  const laneTypes: Record<string, ValueType> = {
    i8x16: I32,
    i16x8: I32,
    i32x4: I32,
    i64x2: I64,
    f32x4: F32,
    f64x2: F64,
  }
  if (rest === 'splat') return [[laneTypes[shape]!], [V128]]
  if (/true$|bitmask/.test(rest)) return [[V128], [I32]]
  if (/^sh[lr]/.test(rest)) return [[V128, I32], [V128]]
  if (rest === 'bitselect') return [[V128, V128, V128], [V128]]
  const unary =
    /^(not|abs|neg|popcnt|ceil|floor|trunc|nearest|sqrt|extadd|extend|demote|promote|convert|trunc_sat)(_|$)/
  return [unary.test(rest) ? [V128] : [V128, V128], [V128]]
}

// A v128 cannot cross into JavaScript: operands come from constants, the result leaves through memory.
test.each(names(SIMD))('%s has the types of its name', (name) => {
  const [params, results] = simdTypes(name)
  expect(() =>
    compile(
      [],
      results.filter((t) => t !== V128),
      (f) => {
        for (const t of params) {
          if (t === V128) f.v128(new Uint8Array(16))
          else if (t === I64) f.i64(0)
          else if (t === F32) f.f32(0)
          else if (t === F64) f.f64(0)
          else f.i32(0)
        }
        f.op(name)
        if (results[0] === V128) f.op('v128_any_true', 'drop')
      },
    ),
  ).not.toThrow()
})

const A = Uint8Array.of(0x80, 1, 0xff, 0x7f, 5, 0x90, 0, 200, 0xfe, 0xff, 0xff, 0xff, 7, 7, 0x12, 0x80)
const B = Uint8Array.of(0x7f, 1, 0x02, 0x7f, 6, 0x80, 0, 199, 0xfe, 0xff, 0xff, 0x7f, 7, 8, 0x12, 0x01)

const clamp = (v: bigint, low: bigint, high: bigint): bigint => (v < low ? low : v > high ? high : v)
/** Lane by lane; comparisons fill the lane with ones. */
const LANEWISE: Record<string, (a: bigint, b: bigint, bits: number) => bigint> = {
  ...Object.fromEntries(['add', 'sub', 'mul'].map((k) => [k, INTEGER[k]!])),
  ...Object.fromEntries(
    ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'le_u', 'ge_s', 'ge_u'].map((k) => [
      k,
      (a: bigint, b: bigint, n: number) => -INTEGER[k]!(a, b, n),
    ]),
  ),
  neg: (a) => -a,
  abs: (a, _, n) => (BigInt.asIntN(n, a) < 0n ? -BigInt.asIntN(n, a) : a),
  popcnt: INTEGER['popcnt']!,
  min_s: (a, b, n) => (BigInt.asIntN(n, a) < BigInt.asIntN(n, b) ? a : b),
  max_s: (a, b, n) => (BigInt.asIntN(n, a) > BigInt.asIntN(n, b) ? a : b),
  min_u: (a, b) => (a < b ? a : b),
  max_u: (a, b) => (a > b ? a : b),
  avgr_u: (a, b) => (a + b + 1n) >> 1n,
  add_sat_u: (a, b, n) => clamp(a + b, 0n, (1n << BigInt(n)) - 1n),
  sub_sat_u: (a, b) => clamp(a - b, 0n, a),
  add_sat_s: (a, b, n) =>
    clamp(BigInt.asIntN(n, a) + BigInt.asIntN(n, b), -1n << BigInt(n - 1), (1n << BigInt(n - 1)) - 1n),
  sub_sat_s: (a, b, n) =>
    clamp(BigInt.asIntN(n, a) - BigInt.asIntN(n, b), -1n << BigInt(n - 1), (1n << BigInt(n - 1)) - 1n),
}

function lanes(bytes: Uint8Array, bits: number): bigint[] {
  const size = bits / 8
  return Array.from({ length: 16 / size }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size).reduceRight((sum, b) => (sum << 8n) | BigInt(b), 0n),
  )
}

const lanewise = names(SIMD).filter((n) => /^i\d+x\d+_/.test(n) && LANEWISE[n.slice(n.indexOf('_') + 1)] !== undefined)

test.each(lanewise)('%s computes every lane', (name) => {
  const bits = Number(/^i(\d+)x/.exec(name)![1])
  const m = new Module()
  m.importMemory('host', 'memory', { min: 1 })
  const { func } = m.func([], [], 'run')
  func.i32(32)
  for (const v of simdTypes(name)[0].map((_, i) => [A, B][i]!)) func.v128(v)
  func.op(name).mem('v128_store')
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { host: { memory } })
  ;(exports['run'] as () => void)()
  const mean = LANEWISE[name.slice(name.indexOf('_') + 1)]!
  const [b, wanted] = [lanes(B, bits), lanes(A, bits)]
  expect(lanes(new Uint8Array(memory.buffer, 32, 16), bits)).toEqual(
    wanted.map((a, i) => BigInt.asUintN(bits, mean(a, b[i]!, bits))),
  )
})

test.each(names(LANE))('%s takes lanes below its count and no other', (name: LaneOp) => {
  const [shape, ...words] = name.split('_') as [string, ...string[]]
  const count = Number(shape.split('x')[1])
  const scalar = ({ i64x2: I64, f32x4: F32, f64x2: F64 } as Record<string, ValueType>)[shape] ?? I32
  const extract = words[0] === 'extract'
  const make = (lane: number): unknown =>
    compile(extract ? [] : [scalar], extract ? [scalar] : [], (f) => {
      const value = f.local(V128)
      if (extract) f.get(value).lane(name, lane)
      else {
        const given = f.local(scalar)
        f.set(given).get(value).get(given).lane(name, lane).set(value)
      }
    })
  expect(() => make(count - 1)).not.toThrow()
  expect(() => make(count)).toThrow(WebAssembly.CompileError)
})

test.each(names(MEMORY))('%s moves as many bytes as its name says, little-endian', (name: MemoryOp) => {
  const type = typeOf(name)
  const bits = Number(/(?:load|store)(\d+)/.exec(name)?.[1] ?? name.slice(1, 3))
  const store = name.includes('store')
  const m = new Module()
  m.importMemory('host', 'memory', { min: 1 })
  const { func } = m.func(store ? [I32, type] : [I32], store ? [] : [type], 'run')
  func.get(0)
  if (store) func.get(1)
  func.mem(name, 3)
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { host: { memory } })
  const run = exports['run'] as (...n: unknown[]) => number | bigint
  const bytes = new Uint8Array(memory.buffer, 8, 8)
  const view = new DataView(memory.buffer, 8)
  if (store) {
    bytes.fill(0xcc)
    if (type === F32 || type === F64) run(5, -1.5)
    else run(5, type === I64 ? 0x8182_8384_8586_8788n : 0x8586_8788)
    if (type === F32) expect(view.getFloat32(0, true)).toBe(-1.5)
    else if (type === F64) expect(view.getFloat64(0, true)).toBe(-1.5)
    else
      expect([...bytes.subarray(0, bits / 8)]).toEqual(
        [0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81].slice(0, bits / 8),
      )
    expect(bytes.findIndex((b) => b === 0xcc)).toBe(bits === 64 ? -1 : bits / 8)
    return
  }
  bytes.set([0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8])
  if (type === F32) expect(run(5)).toBe(view.getFloat32(0, true))
  else if (type === F64) expect(run(5)).toBe(view.getFloat64(0, true))
  else {
    const wide = type === I32 ? 32 : 64
    const value = lanes(new Uint8Array([...bytes, ...bytes]), bits)[0]!
    const wanted = name.endsWith('_s') ? BigInt.asIntN(bits, value) : value
    expect(BigInt.asUintN(wide, BigInt(run(5)))).toBe(BigInt.asUintN(wide, wanted))
  }
})

test.each(names(SIMD_MEMORY))('%s moves as many bytes as its name says', (name: SimdMemoryOp) => {
  const bytes = Number(/load(\d+)/.exec(name)?.[1] ?? 128) / 8
  const m = new Module()
  m.importMemory('host', 'memory', { min: 1 })
  const { func } = m.func([], [], 'run')
  func
    .i32(64)
    .i32(16)
    .mem(name === 'v128_store' ? 'v128_load' : name)
  func.mem('v128_store')
  const memory = new WebAssembly.Memory({ initial: 1 })
  new Uint8Array(memory.buffer).set(A, 16)
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { host: { memory } })
  ;(exports['run'] as () => void)()
  const rest = name.endsWith('splat') ? (i: number) => A[i % bytes] : (i: number) => (i < bytes ? A[i] : 0)
  expect([...new Uint8Array(memory.buffer, 64, 16)]).toEqual(Array.from(A, (_, i) => rest(i)))
})

test.each(names(ATOMIC))('%s has the types and the alignment of its name', (name: AtomicOp) => {
  const type = typeOf(name)
  const operands = name.includes('cmpxchg') ? [type, type] : name.includes('load') ? [] : [type]
  const results = name.includes('store') ? [] : [type]
  const { exports } = compile([I32, ...operands], results, (f) => f.atomic(name))
  const run = exports['run'] as (...n: unknown[]) => unknown
  const values = operands.map(() => (type === I64 ? 1n : 1))
  const bytes = Number(/(?:load|store|rmw)(\d+)/.exec(name)?.[1] ?? (type === I64 ? 64 : 32)) / 8
  expect(() => run(bytes, ...values)).not.toThrow()
  if (bytes > 1) expect(() => run(bytes / 2, ...values)).toThrow(WebAssembly.RuntimeError)
})
