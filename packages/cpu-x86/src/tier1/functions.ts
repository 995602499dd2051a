/** What regions call on their cold paths, so that these are short: filling the TLB, and putting pending flags at rest. */
import { I32, I64, type ValueType } from '@godwit/wasm-encoder'
import type { Size } from '../decode/insn.ts'
import { Flags, type Known } from '../flags.ts'
import { wasm, type Link, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, local, type Val } from '../wasm/value.ts'

/** Argument of `fill` besides the address: bytes shifted by one, and whether they will be written. */
export const fillArgument = (write: boolean, bytes: number): number => (bytes << 1) | (write ? 1 : 0)

const SIZES: readonly Size[] = [8, 16, 32, 64]
/** What kinds of pending flags consist of, in the order of parameters: values of the operation's size, then conditions. */
const FORMS: readonly { readonly kind: Known['kind']; readonly values: readonly string[]; readonly cf: boolean }[] = [
  { kind: 'add', values: ['a', 'b', 'r'], cf: false },
  { kind: 'add', values: ['a', 'b', 'r'], cf: true },
  { kind: 'sub', values: ['a', 'b', 'r'], cf: false },
  { kind: 'sub', values: ['a', 'b', 'r'], cf: true },
  { kind: 'logic', values: ['r'], cf: false },
]

/** Name and arguments of the function that puts pending flags into the state. */
export function settling(p: Known): { readonly name: string; readonly args: readonly Val[] } {
  if (p.kind === 'logic') return { name: `flags_logic${p.size}`, args: [p.r] }
  if (p.kind === 'cfof') return { name: `flags_cfof${p.size}`, args: [p.r, p.cf, p.of] }
  const kind = p.kind === 'add' || p.kind === 'adc' ? 'add' : 'sub'
  if (p.cf === undefined) return { name: `flags_${kind}${p.size}`, args: [p.a, p.b, p.r] }
  return { name: `flags_${kind}${p.size}c`, args: [p.a, p.b, p.r, p.cf] }
}

function settler(size: Size, kind: Known['kind'], names: readonly string[]): RuntimeFunction {
  const type = size === 64 ? I64 : I32
  const params: ValueType[] = names.map((name) => (name === 'cf' || name === 'of' ? I32 : type))
  return wasm(params, [], (f, link: Link) => {
    const e = new Emit(f)
    const fields = Object.fromEntries(names.map((name, i) => [name, local(params[i]!, i)]))
    const refuse = (): never => {
      throw new Error('flags that are being put at rest are not read')
    }
    const flags = new Flags(e, {
      res: refuse,
      cv: refuse,
      aux: refuse,
      set: (res, cv, aux) => {
        e.store('i64_store', k32(0), res, link.base + S.flagRes)
        e.store('i64_store', k32(0), cv, link.base + S.flagCv)
        e.store('i32_store', k32(0), aux, link.base + S.flagAux)
      },
    })
    flags.set({ kind, size, ...fields } as unknown as Known)
    flags.flush()
  })
}

const SETTLERS: RuntimeFunctions = Object.fromEntries(
  SIZES.flatMap((size) => [
    ...FORMS.map(({ kind, values, cf }): [string, RuntimeFunction] => [
      `flags_${kind}${size}${cf ? 'c' : ''}`,
      settler(size, kind, cf ? [...values, 'cf'] : values),
    ]),
    [`flags_cfof${size}`, settler(size, 'cfof', ['r', 'cf', 'of'])] as [string, RuntimeFunction],
  ]),
)

export const REGION_FUNCTIONS: RuntimeFunctions = {
  ...SETTLERS,
  /** 0: the soft-TLB has the page; 1: only tier 0 can do this access. */
  fill: wasm([I64, I32], [I32], (f, link) => {
    f.get(0).op('i32_wrap_i64').get(0).i64(32).op('i64_shr_u', 'i32_wrap_i64')
    f.get(1).i32(1).op('i32_and').get(1).i32(1).op('i32_shr_u').call(link.func('fill_page'))
    f.i32(-1).op('i32_eq')
  }),
}
