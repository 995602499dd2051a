/** A payload that was accepted, beside what the machine writes again: what differs, by field. */
import { Reader } from '../../../packages/bits/src/index.ts'
import { decodeTree, type DescribedState, type Tree, type TreeField, type TreeValue } from './product.ts'

export interface Difference {
  /** "env.regs[3]", "<cpu/xsave>.bv"; a whole subsection ends with ">". */
  readonly path: string
  readonly kind: 'value' | 'added' | 'dropped' | 'rest'
  readonly came: Uint8Array
  readonly kept: Uint8Array
}

interface Token {
  readonly path: string
  readonly bytes: Uint8Array
  /** For the header of a subsection: its name, and the tokens that belong to it. */
  readonly sub?: { readonly name: string; tokens: Token[] }
}

const NOTHING = new Uint8Array(0)
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** @param described what `again` is, by the description of the state that wrote it */
export function differences(came: Uint8Array, again: Uint8Array, described: DescribedState): Difference[] {
  const tree = decodeTree(described, new Reader(again))
  const tokens = tokensOf(tree, again, '')
  const found: Difference[] = []
  const place = { at: 0 }
  walk(tokens, came, place, found, [])
  if (place.at < came.length) {
    const rest = came.subarray(place.at)
    const name = subsectionAt(came, place.at)
    found.push({
      path: name === null ? '' : `<${name}>`,
      kind: name === null ? 'rest' : 'dropped',
      came: rest,
      kept: NOTHING,
    })
  }
  return found
}

function tokensOf(tree: Tree, bytes: Uint8Array, path: string): Token[] {
  const fields = tree.fields.flatMap((f) => fieldTokens(f, f.value, bytes, path, { at: f.offset }, ''))
  const subs = tree.subsections.map((s): Token => {
    const header = 1 + 1 + s.name.length + 4
    const inner = tokensOf(s, bytes, `${path}<${s.name}>.`)
    return {
      path: `${path}<${s.name}>`,
      bytes: bytes.subarray(s.offset - header, s.offset),
      sub: { name: s.name, tokens: inner },
    }
  })
  return [...fields, ...subs]
}

function fieldTokens(
  f: TreeField,
  v: TreeValue,
  bytes: Uint8Array,
  path: string,
  place: { at: number },
  index: string,
): Token[] {
  if (Array.isArray(v)) return v.flatMap((item, i) => fieldTokens(f, item, bytes, path, place, `[${i}]`))
  const from = place.at
  place.at += f.size
  if (typeof v === 'object' && !(v instanceof Uint8Array)) return tokensOf(v, bytes, `${path}${f.name}${index}.`)
  return [{ path: `${path}${f.name}${index}`, bytes: bytes.subarray(from, from + f.size) }]
}

/** Name of what looks like a subsection. */
function subsectionAt(bytes: Uint8Array, at: number): string | null {
  if (bytes[at] !== 5 || at + 6 > bytes.length) return null
  const name = Buffer.from(bytes.subarray(at + 2, at + 2 + bytes[at + 1]!)).toString('latin1')
  return name.length > 3 && /^[\w/ -]+$/.test(name) ? name : null
}

function walk(tokens: Token[], came: Uint8Array, place: { at: number }, found: Difference[], after: Token[]): void {
  const open = [...tokens]
  while (open.length > 0) {
    const name = subsectionAt(came, place.at)
    const head = open[0]!
    if (head.sub !== undefined) {
      const at = open.findIndex((t) => t.sub?.name === name)
      if (at >= 0) {
        const [t] = open.splice(at, 1)
        value(t!, came, place, found)
        walk(t!.sub!.tokens, came, place, found, [...open, ...after])
      } else if (name !== null && drop(name, came, place, found, [...open, ...after])) continue
      else {
        found.push({ path: head.path, kind: 'added', came: NOTHING, kept: NOTHING })
        open.shift()
      }
    } else {
      const here = came.subarray(place.at, place.at + head.bytes.length)
      if (!same(here, head.bytes) && name !== null && drop(name, came, place, found, [...open, ...after])) continue
      value(head, came, place, found)
      open.shift()
    }
  }
}

function value(t: Token, came: Uint8Array, place: { at: number }, found: Difference[]): void {
  const here = came.subarray(place.at, place.at + t.bytes.length)
  if (!same(here, t.bytes)) found.push({ path: t.path, kind: 'value', came: here, kept: t.bytes })
  place.at += t.bytes.length
}

/** Passes over a subsection that came and is not written again: it ends where what follows is found. */
function drop(name: string, came: Uint8Array, place: { at: number }, found: Difference[], next: Token[]): boolean {
  const follows = next.find((t) => t.sub === undefined)
  const end = follows === undefined ? came.length : Buffer.from(came).indexOf(follows.bytes, place.at + 6 + name.length)
  const sub = next.filter((t) => t.sub !== undefined).map((t) => Buffer.from(came).indexOf(t.bytes, place.at + 6))
  const first = Math.min(...[end, ...sub].filter((at) => at > place.at))
  if (!Number.isFinite(first)) return false
  found.push({ path: `<${name}>`, kind: 'dropped', came: came.subarray(place.at, first), kept: NOTHING })
  place.at = first
  return true
}
