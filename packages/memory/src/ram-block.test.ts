import { expect, test } from 'vitest'
import { AddressSpace, DirtyLog, HostMemory, PAGE_SIZE, RamBlock } from './index.ts'

test('blocks stand one after the other in the host memory, whole pages each', () => {
  const host = new HostMemory({ sizeBytes: 0x1_0000 })
  const a = new RamBlock(host, 'a', 1)
  const b = new RamBlock(host, 'b', PAGE_SIZE + 1)
  expect([a.size, b.size]).toEqual([PAGE_SIZE, 2 * PAGE_SIZE])
  expect(b.offset).toBeGreaterThanOrEqual(a.offset + a.size)
  b.bytes[0] = 0x77
  expect(host.bytes[b.offset]).toBe(0x77)
})

test('a full host memory says how much was wanted and how much is left', () => {
  const host = new HostMemory({ sizeBytes: 0x1_0000 })
  host.allocate(0xf000)
  expect(() => host.allocate(0x2000)).toThrow('host memory is full: 8192 bytes wanted, 4096 left')
})

test.each([0, -1, 2 ** 32])('a host memory of %d bytes is refused', (sizeBytes) => {
  expect(() => new HostMemory({ sizeBytes })).toThrow(RangeError)
})

test('a shared host memory lies over a SharedArrayBuffer, another does not', () => {
  const buffer = (shared: boolean): unknown => new HostMemory({ sizeBytes: 1, shared }).memory.buffer
  expect(buffer(true)).toBeInstanceOf(SharedArrayBuffer)
  expect(buffer(false)).toBeInstanceOf(ArrayBuffer)
})

test('a resizable block reserves its maximum and uses its size', () => {
  const host = new HostMemory({ sizeBytes: 0x1_0000 })
  const b = new RamBlock(host, 'etc/acpi/tables', 5000, 0x8000)
  expect([b.usedSize, b.maxSize, b.bytes.length]).toEqual([2 * PAGE_SIZE, 0x8000, 0x8000])
})

test("every write that is not the processor's own is told with its place and length", () => {
  const host = new HostMemory({ sizeBytes: 0x1_0000 })
  const b = new RamBlock(host, 'ram', 2 * PAGE_SIZE)
  const told: string[] = []
  b.onWrite = (offset, length) => told.push(`${offset}+${length}`)
  b.write(10, Uint8Array.of(1, 2, 3))
  b.fill(100, 4, 0xff)
  b.touched(200, 1)
  b.write(300, new Uint8Array(0))
  const space = new AddressSpace('memory')
  space.add({ kind: 'ram', name: 'ram', base: 0x1000, size: b.size, block: b })
  space.write(0x1004, 2, 0)
  space.writeBytes(0x1000 + PAGE_SIZE - 1, Uint8Array.of(1, 2))
  expect(told).toEqual(['10+3', '100+4', '200+1', '4+2', `${PAGE_SIZE - 1}+2`])
})

test('a log that is off records nothing', () => {
  const log = new DirtyLog(4)
  log.mark(0, 4 * PAGE_SIZE)
  expect([log.dirtyPages, [...log.collect()]]).toEqual([0, []])
})

test('a log starts with every page dirty, or with none', () => {
  const log = new DirtyLog(3)
  log.start(true)
  expect([log.dirtyPages, [...log.collect()]]).toEqual([3, [0, 1, 2]])
  log.mark(0, 1)
  log.start(false)
  expect([log.dirtyPages, [...log.collect()]]).toEqual([0, []])
})

test('a write marks every page it touches, once each, and no other', () => {
  const log = new DirtyLog(5)
  log.start(false)
  log.mark(PAGE_SIZE - 1, 2)
  log.mark(PAGE_SIZE, PAGE_SIZE)
  log.mark(3 * PAGE_SIZE, 1)
  expect(log.dirtyPages).toBe(3)
  expect([0, 1, 2, 3, 4].map((p) => log.isDirty(p))).toEqual([true, true, false, true, false])
})

test('collecting gives the dirty pages in order and leaves all clean', () => {
  const log = new DirtyLog(4)
  log.start(false)
  log.mark(3 * PAGE_SIZE, 1)
  log.mark(PAGE_SIZE, 1)
  expect([...log.collect()]).toEqual([1, 3])
  expect([log.dirtyPages, log.isDirty(1)]).toEqual([0, false])
  log.mark(PAGE_SIZE, 1)
  expect([...log.collect()]).toEqual([1])
})

test('rights to write are called back whenever pages become clean: at the start and at each collection', () => {
  const log = new DirtyLog(2)
  let calls = 0
  log.onCollect = () => calls++
  log.start(true)
  log.collect()
  log.collect()
  expect(calls).toBe(3)
})

test('stopping forgets what was dirty', () => {
  const log = new DirtyLog(2)
  log.start(true)
  log.stop()
  expect([log.enabled, log.dirtyPages, log.isDirty(0)]).toEqual([false, 0, false])
})

test("a device's write through an address space makes its page dirty", () => {
  const host = new HostMemory({ sizeBytes: 0x1_0000 })
  const b = new RamBlock(host, 'ram', 3 * PAGE_SIZE)
  const space = new AddressSpace('memory')
  space.add({ kind: 'ram', name: 'ram', base: 0, size: b.size, block: b })
  b.dirty.start(false)
  space.writeBytes(2 * PAGE_SIZE, Uint8Array.of(1))
  space.write(1, 1, 1)
  expect([...b.dirty.collect()]).toEqual([0, 2])
})
