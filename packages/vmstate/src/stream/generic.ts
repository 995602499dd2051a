/** Device sections of any machine, decoded by the description that the stream itself carries. */
import { EndOfBytes, fromLatin1 } from '@godwit/bits'
import type { Reader, Writer } from '@godwit/bits'
import { BadValue } from '../codecs.ts'
import type { DescribedDevice, DescribedField, DescribedState, StreamDescription } from '../describe.ts'
import { within } from '../errors.ts'
import type { PartialReader } from '../vmstate.ts'
import { StreamError } from './errors.ts'
import { TYPE } from './format.ts'
import type { SectionHead } from './format.ts'
import { parseDescription } from './description.ts'

export type TreeValue = number | bigint | Uint8Array | Tree | TreeValue[]

export interface TreeField {
  readonly name: string
  readonly type: string
  /** Offset in the stream. */
  readonly offset: number
  /** Bytes of one element. */
  readonly size: number
  readonly value: TreeValue
}

/** A decoded description: a section, a struct or a subsection. Only the values count when it is encoded again. */
export interface Tree {
  readonly name: string
  readonly version: number
  readonly offset: number
  readonly fields: readonly TreeField[]
  readonly subsections: readonly Tree[]
}

interface Scalar {
  readonly size: number
  get(r: Reader): number | bigint
  put(w: Writer, value: never): void
}

const int = (size: 1 | 2 | 4): Scalar => ({ size, get: (r) => r.int(size), put: (w, v) => w.int(v, size) })
const uint = (size: 1 | 2 | 4): Scalar => ({ size, get: (r) => r.uint(size), put: (w, v) => w.uint(v, size) })
const big: Scalar = { size: 8, get: (r) => r.i64(), put: (w, v) => w.i64(v) }
const ubig: Scalar = { size: 8, get: (r) => r.u64(), put: (w, v) => w.u64(v) }
const SCALARS: Readonly<Record<string, Scalar>> = {
  bool: uint(1),
  uint8: uint(1),
  uint16: uint(2),
  uint32: uint(4),
  uint64: ubig,
  int8: int(1),
  int16: int(2),
  int32: int(4),
  int64: big,
  timer: big,
  'int32 le': int(4),
}

function scalarOf(type: string, size: number): Scalar | null {
  const name = type.endsWith(' equal') ? type.slice(0, -' equal'.length) : type
  const scalar = Object.hasOwn(SCALARS, name) ? SCALARS[name]! : null
  return scalar?.size === size ? scalar : null
}

const MAX_VALUES = 1 << 20

/** Decode callback for a StreamReader: sections as trees. Without a description, payloads are cut at their footers. */
export function describedDecoder(
  description: StreamDescription | null,
): (head: SectionHead, reader: PartialReader) => Tree {
  if (!description) return cutAtFooter
  const devices = new Map(description.devices.map((d) => [`${d.name}/${d.instance_id}`, d]))
  return (head, reader) => {
    const name = `${head.idstr}/${head.instance}`
    const device = devices.get(name)
    if (!device) {
      throw new StreamError(
        'section',
        { section: name, offset: reader.offset },
        'a section that the description has',
        name,
      )
    }
    return decodeTree(device, reader)
  }
}

/** Reads what a description says; throws VMStateError with the path of the field. */
export function decodeTree(device: DescribedDevice | DescribedState, r: Reader): Tree {
  return readState(device, device.vmsd_name ?? (device as DescribedDevice).name, r, { values: 0 })
}

interface Budget {
  values: number
}

function readState(d: DescribedDevice | DescribedState, name: string, r: Reader, budget: Budget): Tree {
  const offset = r.offset
  const fields = d.fields.map((f) =>
    within(
      f.name,
      () => r.offset,
      () => readField(f, r, budget),
    ),
  )
  const subsections = (d.subsections ?? []).map((s) =>
    within(
      `<${s.vmsd_name}>`,
      () => r.offset,
      () => readSubsection(s, r, budget),
    ),
  )
  return { name, version: d.version ?? 0, offset, fields, subsections }
}

function readSubsection(s: DescribedState, r: Reader, budget: Budget): Tree {
  const mark = r.u8()
  if (mark !== TYPE.SUBSECTION) throw new BadValue('a subsection (05)', mark)
  const name = r.str8()
  if (name !== s.vmsd_name) throw new BadValue(`subsection ${s.vmsd_name}`, name)
  const version = r.u32()
  if (version !== s.version) throw new BadValue(`version ${s.version}`, version)
  return readState(s, name, r, budget)
}

function readField(f: DescribedField, r: Reader, budget: Budget): TreeField {
  const offset = r.offset
  const one = (): TreeValue => {
    if (++budget.values > MAX_VALUES) throw new BadValue(`at most ${MAX_VALUES} values in a section`, 'more')
    return readValue(f, r, budget)
  }
  if ((f.array_len ?? 1) > MAX_VALUES) throw new BadValue(`at most ${MAX_VALUES} values in a section`, f.array_len)
  const value = f.array_len === undefined ? one() : Array.from({ length: f.array_len }, one)
  return { name: f.name, type: f.type, offset, size: f.size, value }
}

function readValue(f: DescribedField, r: Reader, budget: Budget): TreeValue {
  const inner = f.struct ?? (f.fields && f.vmsd_name !== undefined ? (f as DescribedState) : null)
  if (!inner) return scalarOf(f.type, f.size)?.get(r) ?? r.raw(f.size)
  const start = r.at
  const tree = readState(inner, inner.vmsd_name, r, budget)
  if (r.at - start !== f.size) throw new BadValue(`a struct of ${f.size} bytes`, r.at - start)
  return tree
}

/** The payload that a tree was decoded from; with other values of the same size, that of the changed section. */
export function encodeTree(tree: Tree, w: Writer): void {
  for (const f of tree.fields)
    within(
      f.name,
      () => w.length,
      () => writeValue(f, f.value, w),
    )
  for (const s of tree.subsections) {
    w.u8(TYPE.SUBSECTION)
    w.str8(s.name)
    w.u32(s.version)
    within(
      `<${s.name}>`,
      () => w.length,
      () => encodeTree(s, w),
    )
  }
}

function writeValue(f: TreeField, value: TreeValue, w: Writer): void {
  if (Array.isArray(value)) for (const item of value) writeValue(f, item, w)
  else if (value instanceof Uint8Array) {
    if (value.length !== f.size) throw new RangeError(`${value.length} bytes do not fit ${f.type}[${f.size}]`)
    w.raw(value)
  } else if (typeof value === 'object') encodeTree(value, w)
  else {
    const scalar = scalarOf(f.type, f.size)
    if (!scalar) throw new RangeError(`a number does not fit ${f.type}[${f.size}]`)
    scalar.put(w, value as never)
  }
}

const AFTER_FOOTER: readonly number[] = [TYPE.EOF, TYPE.START, TYPE.PART, TYPE.END, TYPE.FULL, TYPE.COMMAND]

/** A payload of unknown layout ends where the section's footer stands and an element can begin. */
function cutAtFooter(head: SectionHead, r: PartialReader): Tree {
  const { data } = r
  const id = head.sectionId
  const footer = [TYPE.FOOTER, id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff]
  for (
    let at = data.indexOf(TYPE.FOOTER, r.at);
    at >= 0 && at + 6 <= data.length;
    at = data.indexOf(TYPE.FOOTER, at + 1)
  ) {
    if (footer.every((byte, i) => data[at + i] === byte) && AFTER_FOOTER.includes(data[at + 5]!)) {
      const offset = r.offset
      const value = r.raw(at - r.at)
      const field = { name: 'data', type: 'buffer', offset, size: value.length, value }
      return { name: head.idstr, version: head.version, offset, fields: [field], subsections: [] }
    }
  }
  throw new EndOfBytes(r.offset, r.left + 1, r.left)
}

/** Length byte, u32 length and JSON of the description that ends a whole stream; null if it has none. */
export function findDescription(
  stream: Uint8Array,
  maxBytes = 1 << 24,
): { offset: number; description: StreamDescription } | null {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  const first = Math.max(1, stream.length - 5 - maxBytes)
  // from the end backwards: only 00 (EOF), 06 and the exact distance to the end begin a description
  for (let at = stream.length - 6; at >= first; at--) {
    if (stream[at] !== TYPE.VMDESCRIPTION || stream[at - 1] !== TYPE.EOF || stream[at + 5] !== 0x7b) continue
    if (view.getUint32(at + 1) !== stream.length - at - 5) continue
    try {
      return { offset: at, description: parseDescription(fromLatin1(stream.subarray(at + 5))) }
    } catch (thrown) {
      if (!(thrown instanceof StreamError)) throw thrown
    }
  }
  return null
}
