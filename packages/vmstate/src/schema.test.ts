/** Random descriptions, random states: the bytes give the state back and are as long as the description says. */
import type { UnusedLife } from './life.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  array,
  bitmap,
  bool,
  buffer,
  derived,
  describe,
  gtree,
  i16,
  i32,
  i64,
  i8,
  inside,
  inspectState,
  loadBytes,
  pointers,
  qtailq,
  saveBytes,
  since,
  str8,
  struct,
  text,
  timer,
  u16,
  u32,
  u64,
  u8,
  unused,
  when,
} from './index.ts'
import { printDescription } from './print.ts'
import type { AnyVMState, Codec, DescribedState, Field, Subsection, VMState } from './index.ts'

const GONE: UnusedLife = { born: '1.0', was: 'nothing', lastWriter: null, unversioned: [] }

/** A codec, the values it can hold, and what a fresh state holds before loading. */
interface Kind {
  codec: Codec<unknown>
  value: fc.Arbitrary<unknown>
  /** A state to load over; it has the shape of the value that will come where the receiver decides the shape. */
  fresh(like: unknown): unknown
}
const kind = <T>(codec: Codec<T>, value: fc.Arbitrary<T>, fresh: (like: T) => T): Kind => ({ codec, value, fresh })

const ints: Kind[] = [
  kind(u8, fc.nat(0xff), () => 0),
  kind(u16, fc.nat(0xffff), () => 0),
  kind(u32, fc.nat(0xffffffff), () => 0),
  kind(i8, fc.integer({ min: -128, max: 127 }), () => 0),
  kind(i16, fc.integer({ min: -32768, max: 32767 }), () => 0),
  kind(i32, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), () => 0),
  kind(u64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), () => 0n),
  kind(i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), () => 0n),
  kind(timer, fc.option(fc.bigInt({ min: 0n, max: 2n ** 62n })), () => 1n),
  kind(bool, fc.boolean(), () => false),
]
const latin = (max: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: max }).map((codes) => String.fromCharCode(...codes))
const leaf: fc.Arbitrary<Kind> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ints) },
  fc.nat(20).map((n) => kind(buffer(n), fc.uint8Array({ minLength: n, maxLength: n }), () => new Uint8Array(n))),
  fc.integer({ min: 1, max: 12 }).map((n) => kind(text(n), latin(n), () => 'old')),
  fc.constant(kind(str8, latin(9), () => 'old')),
  fc.integer({ min: 1, max: 200 }).map((bits) => {
    const words = Math.ceil(bits / 64)
    const value = fc.array(ints[6]!.value as fc.Arbitrary<bigint>, { minLength: words, maxLength: words })
    return kind(
      bitmap(bits),
      value.map((v) => BigUint64Array.from(v)),
      () => new BigUint64Array(words),
    )
  }),
)

let names = 0

/** A description of random fields, some in subsections, some nested ones, some by condition. */
function described(inner: fc.Arbitrary<Kind>): fc.Arbitrary<Kind> {
  const fate = fc.constantFrom('plain', 'plain', 'since', 'when', 'sub', 'subsub', 'unused', 'derived')
  return fc.array(fc.tuple(inner, fate), { maxLength: 6 }).map((parts) => {
    const name = `d${++names}`
    const sub: Subsection<State> = { name: `${name}/a`, version: 3, born: '1.0', needed: (s) => s.sub === true }
    const subsub: Subsection<State> = {
      name: `${name}/a/b`,
      version: 0,
      born: '1.0',
      needed: (s) => s.subsub === true,
      parent: sub,
    }
    const fields: Record<string, Field<State, unknown> | ReturnType<typeof unused>> = {
      cond: bool,
      sub: derived('the subsection that came'),
      subsub: derived('the subsection that came'),
    }
    const keys: [string, Kind, string][] = []
    parts.forEach(([k, how], i) => {
      const key = `f${i}`
      if (how === 'unused') fields[`unused${i}`] = unused(i, GONE)
      else keys.push([key, k, how])
      if (how === 'plain') fields[key] = k.codec
      if (how === 'since') fields[key] = since(2, k.codec)
      if (how === 'when') fields[key] = when('cond', (s: State) => s.cond === true, k.codec)
      if (how === 'sub') fields[key] = inside(sub, k.codec)
      if (how === 'subsub') fields[key] = inside(subsub, k.codec)
      if (how === 'derived') fields[key] = derived('nothing')
    })
    // a subsection without fields of its own still has to be there for the one inside it
    const vmstate = { name, version: 2, minVersion: 1, life: { born: '1.0' }, fields } as unknown as VMState<State>
    const hasSub = keys.some(([, , how]) => how === 'sub' || how === 'subsub')
    const hasSubsub = keys.some(([, , how]) => how === 'subsub')
    const present = (s: State, how: string): boolean => {
      if (how === 'when') return s.cond === true
      if (how === 'sub') return s.sub === true
      if (how === 'subsub') return s.sub === true && s.subsub === true
      return how !== 'derived'
    }
    const value = fc
      .tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.tuple(...keys.map(([, k]) => k.value)))
      .map(([cond, a, b, values]) => {
        const s: State = { cond, sub: hasSub && a, subsub: hasSubsub && a && b }
        keys.forEach(([key, k, how], i) => (s[key] = present(s, how) ? values[i] : k.fresh(values[i])))
        return s
      })
    const fresh = (like: State): State => {
      const s: State = { cond: false, sub: like.sub, subsub: like.subsub }
      for (const [key, k] of keys) s[key] = k.fresh(like[key])
      return s
    }
    return kind(struct(vmstate), value, fresh)
  })
}
type State = Record<string, unknown>

const grown: fc.Arbitrary<Kind> = fc.letrec<{ any: Kind; struct: Kind }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: leaf },
    tie('struct'),
    tie('any').chain((k) =>
      fc
        .nat(4)
        .map((n) =>
          kind(array<unknown[], unknown>(k.codec, n), fc.array(k.value, { minLength: n, maxLength: n }), (like) =>
            like.map((v) => k.fresh(v)),
          ),
        ),
    ),
    fc.constantFrom(...ints).map((k) =>
      kind(
        qtailq(k.codec, () => k.fresh(0)),
        fc.array(k.value, { maxLength: 4 }),
        () => [],
      ),
    ),
    fc.constantFrom(...ints).map((k) =>
      kind(
        gtree(
          u16,
          k.codec,
          () => 0,
          () => k.fresh(0),
        ),
        fc.array(fc.tuple(fc.nat(0xffff), k.value), { maxLength: 4 }).map((v) => new Map(v)),
        () => new Map(),
      ),
    ),
    tie('struct').chain((k) =>
      fc
        .nat(3)
        .map((n) =>
          kind(pointers(k.codec, n), fc.array<unknown>(fc.option(k.value), { minLength: n, maxLength: n }), (like) =>
            like.map((v) => (v === null ? null : k.fresh(v))),
          ),
        ),
    ),
  ),
  struct: described(tie('any')),
})).struct

const sizeOf = (d: DescribedState): number =>
  d.fields.reduce((sum, f) => sum + f.size * (f.array_len ?? 1), 0) +
  (d.subsections ?? []).reduce((sum, s) => sum + 1 + 1 + s.vmsd_name.length + 4 + sizeOf(s), 0)

test('any state of any description comes back from its bytes, which are as long as described', () => {
  fc.assert(
    fc.property(
      grown.chain((k) => fc.tuple(fc.constant(k), k.value)),
      ([k, value]) => {
        const vmstate = (k.codec.shape as { vmstate: AnyVMState }).vmstate as VMState<unknown>
        const bytes = saveBytes(vmstate, value)
        expect(sizeOf(describe(vmstate, value))).toBe(bytes.length)
        const state = k.fresh(value)
        loadBytes(vmstate, state, bytes)
        expect(state).toEqual(value)
        expect(saveBytes(vmstate, state)).toEqual(bytes)
        expect(printDescription(vmstate)).toContain(`${vmstate.name}  version 2, loads from 1`)
        expect(inspectState(vmstate, value)[0]).toEqual({ path: 'cond', value: (value as State).cond })
      },
    ),
    { numRuns: 500, seed: 20260101 },
  )
})

test('bytes of a random state that are cut anywhere are refused and leave the state as it was', () => {
  fc.assert(
    fc.property(
      grown.chain((k) =>
        fc.tuple(fc.constant(k), k.value, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
      ),
      ([k, value, part]) => {
        const vmstate = (k.codec.shape as { vmstate: AnyVMState }).vmstate as VMState<unknown>
        const bytes = saveBytes(vmstate, value)
        const cut = bytes.subarray(0, Math.floor(bytes.length * part))
        const state = k.fresh(value)
        try {
          loadBytes(vmstate, state, cut)
        } catch {
          expect(state).toEqual(k.fresh(value))
          return
        }
        // cut exactly before a subsection: a complete state of another kind
        expect(cut.length).toBeLessThan(bytes.length)
        expect(bytes[cut.length]).toBe(5)
      },
    ),
    { numRuns: 500, seed: 20260102 },
  )
})
