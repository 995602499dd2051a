import { Reader, Writer } from '../../packages/bits/src/index.ts'
import {
  StreamReader,
  StreamWriter,
  decodeTree,
  describedDecoder,
  encodeTree,
  findDescription,
  inspectStream,
  readWhole,
  reportJson,
  reportText,
} from '../../packages/vmstate/src/index.ts'
import type { Tree } from '../../packages/vmstate/src/index.ts'
import { expect, test } from 'vitest'
import { stream, streamNames } from './fixtures.ts'
import type { Archive } from './fixtures.ts'

const archives: Archive[] = ['reference', 'machine-versions', 'wire-small']
const all = archives.flatMap((archive) => streamNames(archive).map((name) => [archive, name] as const))

/** Equal bytes; a message with the first difference instead of a diff of megabytes. */
function expectSame(came: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(came, expected) === 0) return
  const at = came.findIndex((b, i) => b !== expected[i])
  throw new Error(`${came.length} bytes instead of ${expected.length}, first difference at ${at}`)
}

test('all recorded streams are there', () => {
  expect(archives.map((a) => streamNames(a).length)).toEqual([25, 66, 3])
})

test.each(all)('%s: %s is read to the last byte and written back the same', (archive, name) => {
  const bytes = stream(archive, name)
  const items = readWhole(bytes)
  expect(items.filter((item) => item.kind === 'eof')).toHaveLength(1)
  const w = new StreamWriter()
  for (const item of items) {
    if (w.offset !== item.offset) throw new Error(`${item.kind} of ${item.offset} at ${w.offset}`)
    w.write(item)
  }
  expectSame(w.take(), bytes)

  // by value, not only by the payload kept beside it
  for (const item of items) {
    if (item.kind !== 'device') continue
    const payload = new Writer()
    encodeTree(item.value, payload)
    expectSame(payload.bytes(), item.payload)
  }
})

test.each([1, 7, 4096, 65536])('a stream that arrives in pieces of %i bytes gives the same items', (size) => {
  const bytes = stream('reference', 'i440fx-min-bios-11.1.mig')
  const reader = new StreamReader<Tree>({ decode: describedDecoder(findDescription(bytes)!.description) })
  const w = new StreamWriter()
  let most = 0
  for (let at = 0; at < bytes.length; at += size) {
    reader.feed(bytes.slice(at, at + size))
    for (let item = reader.next(); item; item = reader.next()) w.write(item)
    most = Math.max(most, reader.buffered)
  }
  reader.end()
  expect(reader.next()).toBeUndefined()
  expectSame(w.take(), bytes)
  const description = bytes.length - findDescription(bytes)!.offset
  expect(most).toBeLessThan(description + size)
})

test('the writer leaves block names out by itself where the sender did', () => {
  const bytes = stream('reference', 'i440fx-full-bios-5.2.mig')
  const w = new StreamWriter()
  for (const item of readWhole(bytes)) {
    if (item.kind === 'ramPage' || item.kind === 'ramZero') {
      const { continued, ...rest } = item
      if (continued === undefined) throw new Error('a page record without its form')
      w.write(rest)
    } else w.write(item)
  }
  expectSame(w.take(), bytes)
})

test('a report sums the pages of every block', () => {
  const report = inspectStream(stream('reference', 'i440fx-base-bios-11.1.mig'))
  expect(report.configuration.machine).toBe('pc-i440fx-5.2')
  expect(report.blocks.map((b) => b.name)).toContain('pc.bios')
  const ram = report.blocks.find((b) => b.name === 'pc.ram')!
  expect(ram.length).toBe(0x8000000)
  expect(ram.pages + ram.zeroPages).toBeGreaterThanOrEqual(ram.length / 4096)
})

test('a report prints sections, fields, blocks and commands, with their offsets', () => {
  const report = inspectStream(stream('machine-versions', 'mtype-pc-q35-11.1-11.1.mig'))
  const text = reportText(report)
  expect(text.split('\n')[0]).toBe(`${report.bytes} bytes, machine pc-q35-11.1`)
  expect(text).toMatch(/^block pc\.ram {2}134217728 bytes, \d+ pages, \d+ zero pages$/m)
  expect(text).toMatch(/^@\d+ command SWITCHOVER_START$/m)
  expect(text).toMatch(/^@\d+ mc146818rtc {2}instance 0, version 3, id \d+, 245 bytes$/m)
  expect(text).toMatch(/^ {2}@\d+ cmos_data \(buffer 128\) = [0-9a-f]+ \.\.\. \(128 bytes\)$/m)
  expect(text).toMatch(/^ {2}subsection cpu\/\w+ {2}version \d+$/m)
  expect(reportText(report, { short: true })).not.toContain('cmos_data')
  const json = JSON.parse(JSON.stringify(reportJson(report))) as typeof report
  expect(json.blocks).toEqual(report.blocks)
  const rtc = json.elements.find((e) => e.kind === 'device' && e.idstr === 'mc146818rtc')
  expect(rtc?.kind === 'device' && rtc.tree.fields[0]).toMatchObject({ name: 'cmos_data', size: 128 })
})

test('a stream without a description shows its sections as bytes', () => {
  const report = inspectStream(stream('reference', 'synthetic.mig'))
  expect(report.described).toBe(false)
  expect(report.elements.filter((e) => e.kind === 'device').map((e) => e.idstr)).toEqual([
    'timer',
    'cpu_common',
    'cpu',
    'globalstate',
  ])
  expect(reportText(report)).toContain('no description in the stream')
})

test('a device section is decoded again by its own entry of the description', () => {
  const bytes = stream('reference', 'i440fx-base-bios-10.0.mig')
  const { description } = findDescription(bytes)!
  const item = readWhole(bytes).find((i) => i.kind === 'device' && i.idstr === 'mc146818rtc')
  if (item?.kind !== 'device') throw new Error('no mc146818rtc')
  const device = description.devices.find((d) => d.name === 'mc146818rtc')!
  const tree = decodeTree(device, new Reader(item.payload, item.payloadOffset))
  expect(tree).toEqual(item.value)
  expect(tree.fields.map((f) => f.name)).toContain('cmos_data')
})
