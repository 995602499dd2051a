import type { Reader, Writer } from '@godwit/bits'
import { expect, test } from 'vitest'
import { StreamError, StreamReader, StreamWriter, applyXbzrle, loadSection, save, u32, u8, inside } from '../index.ts'
import type { StreamItem, StreamLimits, Subsection, VMState } from '../index.ts'

interface Chip {
  a: number
  b: number
}
const late: Subsection<Chip> = { name: 'chip/late', version: 1, born: '1.0', needed: (s) => s.b !== 0 }
const chip: VMState<Chip> = {
  name: 'chip',
  version: 2,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { a: u32, b: inside(late, u8) },
}

function readerOf(limits: Partial<StreamLimits> = {}, packaged = false): StreamReader<Chip> {
  return new StreamReader<Chip>({
    limits,
    packaged,
    decode(head, r) {
      if (head.idstr !== 'chip') throw new Error(`no device ${head.idstr}`)
      const state = { a: 0, b: 0 }
      loadSection(chip, state, r, head.version)
      return state
    },
  })
}

function itemsOf(bytes: Uint8Array, limits?: Partial<StreamLimits>): StreamItem<Chip>[] {
  const reader = readerOf(limits)
  reader.feed(bytes)
  reader.end()
  const items: StreamItem<Chip>[] = []
  for (let item = reader.next(); item; item = reader.next()) items.push(item)
  return items
}

function errorOf(bytes: Uint8Array, limits?: Partial<StreamLimits>): StreamError {
  try {
    itemsOf(bytes, limits)
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown
    throw thrown
  }
  throw new Error('the stream was accepted')
}

const head = (idstr: string, sectionId: number, version: number, instance = 0) => ({
  idstr,
  sectionId,
  instance,
  version,
})
const RAM_HEAD = head('ram', 2, 4)

/** A whole small stream; `change` writes something else in the place of a part. */
function streamOf(
  parts: Partial<Record<'configuration' | 'list' | 'pages' | 'chip' | 'end', (w: StreamWriter) => void>> = {},
): Uint8Array {
  const w = new StreamWriter()
  w.header()
  ;(parts.configuration ?? (() => w.configuration({ machine: 'pc-i440fx-5.2' })))(w)
  w.ping(1)
  w.sectionStart('start', RAM_HEAD)
  ;(
    parts.list ??
    (() =>
      w.ramBlockList([
        { name: 'pc.ram', length: 0x3000 },
        { name: 'pc.bios', length: 0x1000 },
      ]))
  )(w)
  w.ramEos()
  w.sectionEnd()
  w.sectionStart('part', RAM_HEAD)
  ;(parts.pages ?? (() => w.ramZero({ block: 'pc.ram', pageOffset: 0 })))(w)
  w.ramEos()
  w.sectionEnd()
  w.sectionStart('end', RAM_HEAD)
  w.ramPage({ block: 'pc.ram', pageOffset: 0x1000 }, new Uint8Array(4096).fill(7))
  w.ramPage({ block: 'pc.bios', pageOffset: 0 }, new Uint8Array(4096).fill(8))
  w.ramEos()
  w.sectionEnd()
  ;(parts.chip ?? (() => w.device(head('chip', 3, 2), (out) => save(chip, { a: 1, b: 2 }, out))))(w)
  ;(parts.end ?? (() => w.eof()))(w)
  return w.take()
}

test('a stream is the items that were written', () => {
  const items = itemsOf(streamOf())
  expect(items.map((i) => i.kind)).toEqual([
    'header',
    'configuration',
    'command',
    ...['sectionStart', 'ramBlockList', 'ramEos', 'sectionEnd'],
    ...['sectionStart', 'ramZero', 'ramEos', 'sectionEnd'],
    ...['sectionStart', 'ramPage', 'ramPage', 'ramEos', 'sectionEnd'],
    'device',
    'eof',
  ])
  const pages = items.filter((i) => i.kind === 'ramPage' || i.kind === 'ramZero')
  expect(pages.map((p) => [p.block, p.pageOffset, p.continued])).toEqual([
    ['pc.ram', 0, false],
    ['pc.ram', 0x1000, true],
    ['pc.bios', 0, false],
  ])
  const device = items.find((i) => i.kind === 'device')!
  expect(device).toMatchObject({ idstr: 'chip', instance: 0, version: 2, sectionId: 3, value: { a: 1, b: 2 } })
})

test('a section that ends exactly where the bytes end so far is not taken for one without subsections', () => {
  const bytes = streamOf()
  const cut = bytes.length - 1 - 5 - (1 + 1 + 9 + 4 + 1)
  const reader = readerOf()
  reader.feed(bytes.slice(0, cut))
  while (reader.next());
  expect(reader.buffered).toBeGreaterThan(0)
  reader.feed(bytes.slice(cut))
  expect(reader.next()).toMatchObject({ kind: 'device', value: { a: 1, b: 2 } })
  expect(reader.next()).toMatchObject({ kind: 'eof' })
  expect(reader.complete).toBe(true)
})

test('every part of a configuration comes back', () => {
  const configuration = {
    machine: 'm',
    targetPageBits: 12,
    capabilities: ['x-ignore-shared'],
    uuid: new Uint8Array(16).fill(3),
  }
  const bytes = streamOf({
    configuration: (w) => w.configuration(configuration),
    list: (w) =>
      w.ramBlockList([
        { name: 'pc.ram', length: 0x3000, gpa: 5n },
        { name: 'pc.bios', length: 0x1000, gpa: 0n },
      ]),
  })
  const items = itemsOf(bytes)
  expect(items[1]).toEqual({ kind: 'configuration', offset: 8, ...configuration })
  expect(items[4]).toMatchObject({ blocks: [{ name: 'pc.ram', length: 0x3000, gpa: 5n }, { gpa: 0n }] })
  const w = new StreamWriter()
  for (const item of items) w.write(item)
  expect(w.take()).toEqual(bytes)
})

test('a package is given whole, and its inside is read without header and end', () => {
  const inner = new StreamWriter()
  inner.command('POSTCOPY_LISTEN')
  inner.device(head('chip', 9, 2), (out) => save(chip, { a: 5, b: 0 }, out))
  inner.command('POSTCOPY_RUN')
  const elements = inner.take()
  const items = itemsOf(
    streamOf({
      chip: (w) => w.packaged(elements),
      end: (w) => {
        w.eof()
        w.vmdescription('{"devices": [], "name": "\u00e9"}')
      },
    }),
  )
  const item = items.find((i) => i.kind === 'command' && i.command === 'PACKAGED')
  if (item?.kind !== 'command') throw new Error('no package')
  expect(item.packaged).toEqual(elements)
  const reader = readerOf({}, true)
  reader.feed(item.packaged!)
  reader.end()
  expect([reader.next(), reader.next(), reader.next(), reader.next()]).toMatchObject([
    { command: 'POSTCOPY_LISTEN' },
    { value: { a: 5, b: 0 } },
    { command: 'POSTCOPY_RUN' },
    undefined,
  ])
  const last = items.at(-1)!
  expect(last.kind === 'vmdescription' && JSON.parse(Buffer.from(last.json).toString('latin1'))).toEqual({
    devices: [],
    name: 'é',
  })
})

const raw =
  (...bytes: number[]) =>
  (w: StreamWriter): void => {
    // through a device's payload there is no way to write arbitrary elements, so reach for the buffer
    ;(w as unknown as { w: Writer }).w.raw(Uint8Array.from(bytes))
  }
const record = (flags: number, offset = 0): number[] => [0, 0, 0, 0, 0, 0, (offset >> 8) | (flags >> 8), flags & 0xff]

test.each([
  ['another magic number', Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 3), { code: 'header', offset: 0 }],
  ['stream version 2', Uint8Array.of(0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 2), { code: 'header', came: '2' }],
  ['no configuration', streamOf({ configuration: () => {} }), { code: 'configuration', offset: 8, came: '0x08' }],
  [
    'a long machine name',
    streamOf({ configuration: raw(7, 255, 255, 255, 255) }),
    { code: 'configuration', path: 'configuration/name' },
  ],
  [
    'mapped-ram',
    streamOf({ configuration: (w) => w.configuration({ machine: 'm', capabilities: ['mapped-ram'] }) }),
    { code: 'configuration' },
  ],
  ['an unknown element', streamOf({ end: raw(0x55) }), { code: 'element', came: '0x55' }],
  ['a subsection without a section', streamOf({ end: raw(5) }), { code: 'element', came: '0x05' }],
  ['bytes behind the end', streamOf({ end: raw(0, 9) }), { code: 'trailing', came: '0x09' }],
  [
    'an endless description',
    streamOf({ end: raw(0, 6, 255, 255, 255, 255) }),
    { code: 'limit', came: String(2 ** 32 - 1) },
  ],
  ['an endless package', streamOf({ end: raw(8, 0, 7, 0, 4, 255, 0, 0, 0) }), { code: 'limit' }],
  ['an unknown command', streamOf({ end: raw(8, 0, 12, 0, 0) }), { code: 'command', came: '12' }],
  [
    'a ping without a number',
    streamOf({ end: raw(8, 0, 2, 0, 3, 0, 0, 0) }),
    { code: 'command', expected: '4 bytes of PING' },
  ],
  ['a part of nothing', streamOf({ end: raw(2, 0, 0, 0, 99) }), { code: 'element', came: '99' }],
  [
    'ram of another version',
    streamOf({ end: raw(1, 0, 0, 0, 8, 4, 114, 97, 109, 50, 0, 0, 0, 0, 0, 0, 0, 4) }),
    { code: 'section', section: 'ram2/0' },
  ],
  [
    'a device we do not have',
    streamOf({ chip: (w) => w.device(head('foo', 3, 1), new Uint8Array(4)) }),
    { code: 'section', section: 'foo/0', came: 'no device foo' },
  ],
  [
    'a version too new',
    streamOf({ chip: (w) => w.device(head('chip', 3, 3), new Uint8Array(4)) }),
    { code: 'section', section: 'chip/0', path: 'chip/', came: 'version 3' },
  ],
  [
    'a payload too long',
    streamOf({ chip: (w) => w.device(head('chip', 3, 2), new Uint8Array(5)) }),
    { code: 'footer', section: 'chip/0' },
  ],
  [
    'a section id used twice',
    streamOf({ chip: (w) => w.device(head('chip', 2, 2), new Uint8Array(4)) }),
    { code: 'section', expected: 'a section id of its own' },
  ],
  [
    'a page outside its block',
    streamOf({ pages: (w) => w.ramZero({ block: 'pc.ram', pageOffset: 0x3000 }) }),
    { code: 'ram', section: 'ram/0', came: '0x3000' },
  ],
  [
    'a page of an unknown block',
    streamOf({ pages: (w) => w.ramZero({ block: 'pc.rox', pageOffset: 0 }) }),
    { code: 'ram', came: '"pc.rox"' },
  ],
  ['CONTINUE of nothing', streamOf({ pages: raw(...record(0x22)) }), { code: 'ram', came: 'CONTINUE' }],
  [
    'a zero page of ones',
    streamOf({ pages: raw(...record(0x02), 6, ...Buffer.from('pc.ram'), 1) }),
    { code: 'ram', expected: '00 in a zero page' },
  ],
  ['a compressed page', streamOf({ pages: raw(...record(0x100)) }), { code: 'ram', came: '0x100 (COMPRESS_PAGE)' }],
  ['two kinds in one record', streamOf({ pages: raw(...record(0x0a)) }), { code: 'ram', came: '0xa' }],
  ['flags of the future', streamOf({ pages: raw(...record(0x400)) }), { code: 'ram', came: '0x400' }],
  ['an end with an offset', streamOf({ pages: raw(...record(0x10, 0x1000)) }), { code: 'ram' }],
  ['a second block list', streamOf({ pages: (w) => w.ramBlockList([]) }), { code: 'ram', came: 'a second' }],
  [
    'a block larger than the sum',
    streamOf({ list: raw(...record(4, 0x1000), 1, 97, 0, 0, 0, 0, 0, 0, 0x20, 0) }),
    { code: 'ram', came: '8192' },
  ],
  [
    'half a page of RAM',
    streamOf({ list: raw(...record(4, 0x1000), 1, 97, 0, 0, 0, 0, 0, 0, 0x8, 0) }),
    { code: 'ram', came: '2048' },
  ],
])('%s is refused, and the error says what and where', (_, bytes, expected) => {
  expect(errorOf(bytes)).toMatchObject(expected)
})

test('blocks of no length cannot make the list endless', () => {
  const entries = Array.from({ length: 20 }, (_, i) => [1, 97 + i, 0, 0, 0, 0, 0, 0, 0, 0]).flat()
  const bytes = streamOf({ list: raw(...record(4, 0x1000), ...entries) })
  expect(errorOf(bytes, { maxRamBlocks: 16 })).toMatchObject({ code: 'ram', expected: 'at most 16 RAM blocks' })
})

test('more RAM than allowed is refused by the sum, before any page', () => {
  expect(errorOf(streamOf(), { maxRamBytes: 0x3fff })).toMatchObject({ code: 'ram', came: String(0x4000) })
  expect(itemsOf(streamOf(), { maxRamBytes: 0x4000 }).at(-1)!.kind).toBe('eof')
})

test('a section that never ends is refused at the limit, not at the end of memory', () => {
  const limit = 10_000
  const reader = new StreamReader({ limits: { maxSectionBytes: limit }, decode: (_, r) => count(r) })
  const count = (r: Reader): never => {
    for (;;) r.u8()
  }
  reader.feed(streamOf({ chip: raw(4, 0, 0, 0, 3, 1, 97, 0, 0, 0, 0, 0, 0, 0, 0), end: () => {} }))
  const chunk = new Uint8Array(1000)
  const flood = (): void => {
    for (let fed = 0; fed < 1 << 20; fed += chunk.length) {
      while (reader.next());
      expect(reader.buffered).toBeLessThan(limit + 2 * chunk.length)
      reader.feed(chunk.slice())
    }
  }
  expect(flood).toThrow(StreamError)
  expect(reader.buffered).toBeGreaterThan(limit)

  const greedy = new StreamReader({ limits: { maxSectionBytes: limit }, decode: (_, r) => r.raw(1 << 30) })
  greedy.feed(streamOf({ chip: raw(4, 0, 0, 0, 3, 1, 97, 0, 0, 0, 0, 0, 0, 0, 0), end: () => {} }))
  expect(() => {
    while (greedy.next());
  }).toThrow(`expected a payload of at most ${limit} bytes`)
})

test('a large section that arrives byte by byte is not decoded anew for every byte', () => {
  let calls = 0
  const size = 20_000
  const reader = new StreamReader({
    decode(_, r) {
      calls++
      for (let i = 0; i < size; i++) r.u8()
      return size
    },
  })
  const payload = new Uint8Array(size)
  payload.set([0x7e, 0, 0, 0, 3], 9000) // looks like the footer, costs one attempt
  const bytes = streamOf({ chip: (w) => w.device(head('big', 3, 1), payload) })
  const kinds: string[] = []
  for (const byte of bytes) {
    reader.feed(Uint8Array.of(byte))
    for (let item = reader.next(); item; item = reader.next()) kinds.push(item.kind)
  }
  expect(kinds.slice(-2)).toEqual(['device', 'eof'])
  expect(calls).toBeLessThan(12)
})

test('after an error the reader goes on refusing with the same error', () => {
  const reader = readerOf()
  reader.feed(new Uint8Array(8))
  expect(() => reader.next()).toThrow('expected QEVM')
  reader.feed(streamOf())
  expect(() => reader.next()).toThrow('expected QEVM')
})

test('a stream that stops is complete only behind its end', () => {
  const reader = readerOf()
  reader.feed(streamOf({ end: () => {} }))
  while (reader.next());
  expect(reader.complete).toBe(false)
  reader.end()
  expect(() => reader.next()).toThrow(StreamError)
})

test('a device that cannot be saved leaves nothing of its section in the stream', () => {
  const w = new StreamWriter()
  w.header()
  expect(() => w.device(head('chip', 1, 2), (out) => save(chip, { a: 1, b: 256 }, out))).toThrow('chip/<chip/late>.b')
  expect(w.pending).toBe(8)
})

test('a delta changes the runs it names and nothing else', () => {
  const page = new Uint8Array(4096).fill(1)
  applyXbzrle(page, Uint8Array.of(2, 3, 10, 11, 12, 0xe8, 0x07, 1, 99))
  const expected = new Uint8Array(4096).fill(1)
  expected.set([10, 11, 12], 2)
  expected[5 + 1000] = 99
  expect(page).toEqual(expected)
})

test.each([[[5]], [[0, 0]], [[0, 2, 1]], [[0xff, 0xff, 1, 1]], [[0xff, 0x1f, 2, 1, 1]]])(
  'a delta %j that does not fit is refused and leaves the page',
  (data) => {
    const page = new Uint8Array(4096).fill(1)
    expect(() => applyXbzrle(page, Uint8Array.from(data))).toThrow(RangeError)
    expect(page.every((b) => b === 1)).toBe(true)
  },
)
