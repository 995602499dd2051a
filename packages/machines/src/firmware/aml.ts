/**
 * ACPI Machine Language, as far as a PC's DSDT needs it: every function returns the bytes of one term.
 *
 * Spec  [ACPI] Advanced Configuration and Power Interface 6.4, chapter 20 "AML"
 */

export type Aml = readonly number[]

/** Four characters, padded with underscores. */
const nameSegment = (name: string): Aml => [...name.padEnd(4, '_')].map((c) => c.charCodeAt(0))

/** A path: "_SB.PCI0", "\\_SB", "LNKA". [ACPI] 20.2.2 */
export function path(text: string): Aml {
  const root = text.startsWith('\\')
  const segments = text
    .slice(root ? 1 : 0)
    .split('.')
    .filter((s) => s !== '')
  const prefix = root ? [0x5c] : []
  if (segments.length === 0) return [...prefix, 0x00]
  if (segments.length === 1) return [...prefix, ...nameSegment(segments[0]!)]
  const all = segments.flatMap(nameSegment)
  return segments.length === 2 ? [...prefix, 0x2e, ...all] : [...prefix, 0x2f, segments.length, ...all]
}

/** Bytes behind a PkgLength that covers itself. [ACPI] 20.2.4 */
function withLength(body: Aml): Aml {
  const n = body.length
  if (n + 1 < 0x40) return [n + 1, ...body]
  if (n + 2 < 0x1000) return [0x40 | ((n + 2) & 0x0f), (n + 2) >> 4, ...body]
  return [0x80 | ((n + 3) & 0x0f), ((n + 3) >> 4) & 0xff, (n + 3) >> 12, ...body]
}

export const bytesOf = (value: number, size: number): Aml =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff)

export function integer(value: number): Aml {
  if (value === 0) return [0x00]
  if (value === 1) return [0x01]
  if (value < 0x100) return [0x0a, value]
  if (value < 0x10000) return [0x0b, ...bytesOf(value, 2)]
  return [0x0c, ...bytesOf(value, 4)]
}

export const text = (value: string): Aml => [0x0d, ...[...value].map((c) => c.charCodeAt(0)), 0x00]

/** "PNP0A03" as its compressed 32 bits. [ACPI] 19.3.4 */
export function eisaId(id: string): Aml {
  const letter = (i: number): number => id.charCodeAt(i) - 0x40
  const hex = parseInt(id.slice(3), 16)
  const word = (letter(0) << 10) | (letter(1) << 5) | letter(2)
  return [0x0c, word >> 8, word & 0xff, hex >> 8, hex & 0xff]
}

export const name = (id: string, value: Aml): Aml => [0x08, ...path(id), ...value]
export const scope = (id: string, ...terms: Aml[]): Aml => [0x10, ...withLength([...path(id), ...terms.flat()])]
export const device = (id: string, ...terms: Aml[]): Aml => [0x5b, 0x82, ...withLength([...path(id), ...terms.flat()])]
export const method = (id: string, args: number, ...terms: Aml[]): Aml => [
  0x14,
  ...withLength([...path(id), args, ...terms.flat()]),
]
export const packageOf = (...elements: Aml[]): Aml => [0x12, ...withLength([elements.length, ...elements.flat()])]
export const bufferOf = (data: Aml): Aml => [0x11, ...withLength([...integer(data.length), ...data])]

const SPACES = { memory: 0, io: 1, pciConfig: 2 } as const
export const operationRegion = (id: string, space: keyof typeof SPACES, offset: number, length: number): Aml => [
  0x5b,
  0x80,
  ...path(id),
  SPACES[space],
  ...integer(offset),
  ...integer(length),
]
/** Fields of a region, byte access; a field is its name and its bits. */
export const field = (region: string, ...fields: [id: string, bits: number][]): Aml => [
  0x5b,
  0x81,
  ...withLength([...path(region), 0x01, ...fields.flatMap(([id, bits]) => [...nameSegment(id), bits])]),
]

export const arg = (n: number): Aml => [0x68 + n]
export const give = (value: Aml): Aml => [0xa4, ...value]
export const store = (value: Aml, target: Aml): Aml => [0x70, ...value, ...target]
export const and = (a: Aml, b: Aml, target: Aml = [0x00]): Aml => [0x7b, ...a, ...b, ...target]
export const or = (a: Aml, b: Aml, target: Aml = [0x00]): Aml => [0x7d, ...a, ...b, ...target]
export const iff = (condition: Aml, ...terms: Aml[]): Aml => [0xa0, ...withLength([...condition, ...terms.flat()])]
export const less = (a: Aml, b: Aml): Aml => [0x95, ...a, ...b]
/** Names 32 bits of a buffer. */
export const dwordField = (buffer: Aml, byteIndex: number, id: string): Aml => [
  0x8a,
  ...buffer,
  ...integer(byteIndex),
  ...nameSegment(id),
]

/** A list of resources with its end tag. [ACPI] 6.4 */
export const resources = (...items: Aml[]): Aml => bufferOf([...items.flat(), 0x79, 0x00])

export const io = (base: number, length: number): Aml => [
  0x47,
  0x01,
  ...bytesOf(base, 2),
  ...bytesOf(base, 2),
  0x01,
  length,
]
export const irq = (line: number): Aml => [0x22, ...bytesOf(1 << line, 2)]
export const dma = (channel: number): Aml => [0x2a, 1 << channel, 0x00]
export const memory32 = (base: number, length: number, writable: boolean): Aml => [
  0x86,
  0x09,
  0x00,
  writable ? 1 : 0,
  ...bytesOf(base, 4),
  ...bytesOf(length, 4),
]
/** Level, active high, shared: the PCI links of the PIIX. */
export const sharedInterrupts = (...lines: number[]): Aml => [
  0x89,
  ...bytesOf(2 + 4 * lines.length, 2),
  0x09,
  lines.length,
  ...lines.flatMap((l) => bytesOf(l, 4)),
]

/** Type: 0 memory, 1 I/O, 2 bus numbers; a producer's window from min to max. */
const window = (tag: number, size: 2 | 4 | 8, type: number, flags: number, min: number, max: number): Aml => {
  const body = [type, 0x0c, flags, ...[0, min, max, 0, max - min + 1].flatMap((v) => bytesOf(v, size))]
  return [tag, ...bytesOf(body.length, 2), ...body]
}
export const busWindow = (min: number, max: number): Aml => window(0x88, 2, 2, 0x00, min, max)
export const ioWindow = (min: number, max: number): Aml => window(0x88, 2, 1, 0x03, min, max)
export const memoryWindow = (min: number, max: number, cacheable: boolean): Aml =>
  window(0x87, 4, 0, cacheable ? 0x03 : 0x01, min, max)
export const memoryWindow64 = (min: number, max: number): Aml => window(0x8a, 8, 0, 0x03, min, max)
