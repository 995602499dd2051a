import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AddressSpace, HostMemory, PAGE_SIZE, RamBlock, type IoHandlers, type Region } from './index.ts'

const host = new HostMemory({ sizeBytes: 4 << 20 })
const block = (name: string, fill = 0, pages = 1): RamBlock => {
  const b = new RamBlock(host, name, pages * PAGE_SIZE)
  b.fill(0, b.size, fill)
  return b
}
const ram = (base: number, b: RamBlock, more: Partial<Extract<Region, { kind: 'ram' | 'rom' }>> = {}): Region => ({
  kind: 'ram',
  name: b.name,
  base,
  size: b.size,
  block: b,
  ...more,
})
/** A region that answers with a constant and writes down what reaches it. */
function io(base: number, size: number, answer: number, more: { sizes?: IoHandlers['sizes']; priority?: number } = {}) {
  const log: string[] = []
  const handlers: IoHandlers = {
    ...(more.sizes === undefined ? {} : { sizes: more.sizes }),
    read(offset, n) {
      log.push(`read ${offset} ${n}`)
      return answer
    },
    write: (offset, n, value) => void log.push(`write ${offset} ${n} 0x${value.toString(16)}`),
  }
  const region: Region = { kind: 'io', name: `io@${base}`, base, size, priority: more.priority ?? 0, io: handlers }
  return { region, log }
}

test('a read nobody answers is all ones, a write nobody answers is dropped, and both are told', () => {
  const space = new AddressSpace('memory')
  const told: string[] = []
  space.onUnclaimed = (address, size, write) => told.push(`${write ? 'write' : 'read'} ${address} ${size}`)
  expect([space.read(0x1000, 1), space.read(0x1000, 2), space.read(0x1000, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff])
  space.write(0x2000, 4, 1)
  expect(told).toEqual(['read 4096 1', 'read 4096 2', 'read 4096 4', 'write 8192 4'])
})

test('RAM is little-endian and unsigned at every size', () => {
  const space = new AddressSpace('memory')
  space.add(ram(0x1000, block('ram')))
  space.write(0x1003, 4, 0xfedc_ba98)
  expect([0, 1, 2, 3].map((i) => space.read(0x1003 + i, 1))).toEqual([0x98, 0xba, 0xdc, 0xfe])
  expect([space.read(0x1003, 2), space.read(0x1003, 4)]).toEqual([0xba98, 0xfedc_ba98])
})

test('ROM reads like RAM and drops writes', () => {
  const space = new AddressSpace('memory')
  const rom = block('rom', 0x5a)
  space.add(ram(0, rom, { kind: 'rom' }))
  space.write(0, 2, 0)
  space.writeBytes(4, Uint8Array.of(1, 2))
  expect([space.read(0, 4), space.read(4, 4)]).toEqual([0x5a5a_5a5a, 0x5a5a_5a5a])
})

test('the higher priority wins; of equal ones the later', () => {
  const space = new AddressSpace('memory')
  space.add(io(0, 16, 1, { priority: 1 }).region)
  space.add(io(4, 16, 2).region)
  space.add(io(18, 4, 3).region)
  expect([0, 15, 16, 17, 18, 19].map((a) => space.read(a, 1))).toEqual([1, 1, 2, 2, 3, 3])
  expect(space.map().map((s) => [s.start, s.end, s.base])).toEqual([
    [0, 16, 0],
    [16, 18, 4],
    [18, 22, 18],
  ])
})

test('what a hole in a higher region uncovers keeps its own offsets', () => {
  const space = new AddressSpace('memory')
  const below = io(0x100, 0x100, 0)
  space.add(below.region)
  space.add(io(0x140, 0x10, 0, { priority: 1 }).region)
  space.read(0x150, 1)
  expect(below.log).toEqual(['read 80 1'])
})

test('a mapping that is hidden, moved, replaced or removed answers accordingly, and each change is told once', () => {
  const space = new AddressSpace('memory')
  let changes = 0
  const mapping = space.add(io(0x10, 4, 7).region)
  space.onChange = () => changes++
  mapping.set(false)
  expect(space.read(0x10, 1)).toBe(0xff)
  mapping.set(true, 0x20)
  expect([space.read(0x10, 1), space.read(0x20, 1)]).toEqual([0xff, 7])
  mapping.replace(io(0x30, 4, 9).region)
  expect([space.read(0x20, 1), space.read(0x30, 1)]).toEqual([0xff, 9])
  mapping.remove()
  expect(space.read(0x30, 1)).toBe(0xff)
  expect(changes).toBe(4)
})

test('setting a mapping to what it is changes nothing and tells nobody', () => {
  const space = new AddressSpace('memory')
  const { region } = io(0x10, 4, 7)
  const mapping = space.add(region)
  let changes = 0
  space.onChange = () => changes++
  mapping.set(true)
  mapping.set(true, 0x10)
  mapping.replace(region)
  expect(changes).toBe(0)
})

test('a batch of changes is one change, nested batches too, and the map is new when it is told', () => {
  const space = new AddressSpace('memory')
  const seen: number[] = []
  space.onChange = () => seen.push(space.read(0x10, 1))
  space.batch(() => {
    space.batch(() => space.add(io(0x10, 4, 1).region))
    space.add(io(0x10, 4, 2).region)
  })
  expect(seen).toEqual([2])
})

test('a batch that throws still leaves the map as its mappings are', () => {
  const space = new AddressSpace('memory')
  expect(() =>
    space.batch(() => {
      space.add(io(0x10, 4, 1).region)
      throw new Error('in the middle')
    }),
  ).toThrow('in the middle')
  expect(space.read(0x10, 1)).toBe(1)
})

test('an access to a device goes whole to the device that has its first byte', () => {
  const ports = new AddressSpace('io')
  const first = io(0x60, 1, 0x1234_5678)
  const second = io(0x61, 1, 0)
  ports.add(first.region)
  ports.add(second.region)
  expect(ports.read(0x60, 4)).toBe(0x1234_5678)
  ports.write(0x60, 2, 0xabcd)
  expect([first.log, second.log]).toEqual([['read 0 4', 'write 0 2 0xabcd'], []])
})

test('an access that begins in RAM and ends in a device is put together byte by byte', () => {
  const space = new AddressSpace('memory')
  space.add(ram(0, block('ram', 0x11)))
  const after = io(PAGE_SIZE, 16, 0x77)
  space.add(after.region)
  expect(space.read(PAGE_SIZE - 2, 4)).toBe(0x7777_1111)
  space.write(PAGE_SIZE - 1, 2, 0xbbaa)
  expect(space.read(PAGE_SIZE - 1, 1)).toBe(0xaa)
  expect(after.log).toEqual(['read 0 1', 'read 1 1', 'write 0 1 0xbb'])
})

test('an access that begins in nothing and ends in RAM has ones below', () => {
  const space = new AddressSpace('memory')
  space.add(ram(PAGE_SIZE, block('ram', 0x22)))
  expect(space.read(PAGE_SIZE - 3, 4)).toBe(0x22ff_ffff)
})

test('accesses wider than a device takes are split, lowest part first', () => {
  const ports = new AddressSpace('io')
  const narrow = io(0, 8, 0x1ab, { sizes: { min: 1, max: 1 } })
  ports.add(narrow.region)
  expect(ports.read(2, 4)).toBe(0xabab_abab)
  ports.write(0, 2, 0x1234)
  expect(narrow.log).toEqual([2, 3, 4, 5].map((o) => `read ${o} 1`).concat(['write 0 1 0x34', 'write 1 1 0x12']))
})

test('accesses narrower than a device takes are widened to its aligned register', () => {
  const space = new AddressSpace('memory')
  const wide = io(0, 16, 0x4433_2211, { sizes: { min: 4, max: 4 } })
  space.add(wide.region)
  expect([space.read(5, 1), space.read(6, 2)]).toEqual([0x22, 0x4433])
  space.write(9, 1, 0xee)
  expect(wide.log).toEqual(['read 4 4', 'read 4 4', 'write 8 4 0xee00'])
})

test('what a handler gives beyond the access is cut off', () => {
  const ports = new AddressSpace('io')
  ports.add(io(0, 4, -1).region)
  expect([ports.read(0, 1), ports.read(0, 2), ports.read(0, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff])
})

test('a window into a block shows the block from its offset on', () => {
  const space = new AddressSpace('memory')
  const b = block('ram', 0, 2)
  space.add(ram(0x8000, b, { size: 16, blockOffset: PAGE_SIZE }))
  space.write(0x8001, 1, 0x5a)
  expect(b.bytes[PAGE_SIZE + 1]).toBe(0x5a)
  expect([space.read(0x8001, 1), space.read(0x8010, 1)]).toEqual([0x5a, 0xff])
})

test('bytes are copied across RAM, devices and nothing', () => {
  const space = new AddressSpace('memory')
  const [low, high] = [block('low'), block('high')]
  space.add(ram(0, low))
  space.add(ram(PAGE_SIZE, high))
  const device = io(2 * PAGE_SIZE, 2, 0x33)
  space.add(device.region)
  const data = Uint8Array.from({ length: PAGE_SIZE + 6 }, (_, i) => i % 251)
  space.writeBytes(PAGE_SIZE - 2, data)
  const back = new Uint8Array(data.length)
  space.readBytes(PAGE_SIZE - 2, back)
  expect([...back.subarray(0, -4)]).toEqual([...data.subarray(0, -4)])
  expect([...back.subarray(-4)]).toEqual([0x33, 0x33, 0xff, 0xff])
  expect(device.log.slice(0, 2)).toEqual([
    `write 0 1 0x${data.at(-4)!.toString(16)}`,
    `write 1 1 0x${data.at(-3)!.toString(16)}`,
  ])
})

test('whatever regions overlap however, every address is answered by the topmost', () => {
  const someRegions = fc.array(
    fc.record({ base: fc.nat(40), size: fc.nat(30), priority: fc.integer({ min: -1, max: 2 }), shown: fc.boolean() }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(someRegions, (regions) => {
      const space = new AddressSpace('memory')
      regions.forEach((r, i) => space.add(io(r.base, r.size, i, r).region, r.shown))
      for (let address = 0; address < 72; address++) {
        let top = -1
        regions.forEach((r, i) => {
          if (!r.shown || address < r.base || address >= r.base + r.size) return
          if (top < 0 || r.priority >= regions[top]!.priority) top = i
        })
        expect(space.read(address, 1), `at ${address}`).toBe(top < 0 ? 0xff : top)
      }
      expect(space.map().every((s, i, all) => i === 0 || all[i - 1]!.end <= s.start)).toBe(true)
    }),
  )
})

test('addresses above 4 GiB are exact', () => {
  const space = new AddressSpace('memory')
  space.add(ram(2 ** 40, block('far', 0x44)))
  expect([space.read(2 ** 40, 1), space.read(2 ** 40 - 1, 1), space.read(0, 1)]).toEqual([0x44, 0xff, 0xff])
})

test('one region mapped twice in a row counts its offsets anew in the second place', () => {
  const space = new AddressSpace('memory')
  const { region, log } = io(0x10, 4, 0)
  space.add(region)
  space.add(region, false).set(true, 0x14)
  space.read(0x13, 1)
  space.read(0x14, 1)
  expect(log).toEqual(['read 3 1', 'read 0 1'])
})
