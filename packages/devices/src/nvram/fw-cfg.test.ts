import { build, handlersOf } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace, HostMemory, RamBlock } from '@godwit/memory'
import { loadBytes, saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { fwCfg } from './fw-cfg.ts'

deviceContract(fwCfg, {
  connect(model) {
    model.addFile(
      'etc/acpi/rsdp',
      Uint8Array.from({ length: 20 }, (_, i) => i),
    )
  },
  storm(rng, model, bench) {
    const { SELECTOR, DMA } = model.io as typeof model.io & { DMA: NonNullable<unknown> & typeof model.io.SELECTOR }
    const kind = rng.below(6)
    if (kind === 0) SELECTOR.write!(rng.pick([0, 1, 0x19, 0x20, 0x21, 0x4000, 0x8000, 0xffff]), 0, 2)
    else if (kind === 1) DMA.write!(rng.value(4), 0, 4)
    else if (kind === 2) DMA.write!(rng.pick([0x100, 0x0080_0000]), 4, 4)
    else if (kind === 3) bench.saw(DMA.read!(rng.below(2) * 4, 4))
    else bench.saw(SELECTOR.read!(0, 1))
  },
})

function machine(props: { dma_enabled?: boolean; 'x-file-slots'?: number } = {}) {
  const dma = new AddressSpace('dma')
  const ram = new RamBlock(new HostMemory({ sizeBytes: 1 << 20 }), 'pc.ram', 0x20000)
  dma.add({ kind: 'ram', name: 'ram', base: 0, size: 0x20000, block: ram })
  const dev = build(fwCfg, { time: manualTime(), dma, props })
  const io = handlersOf(dev.model.io)
  return {
    dev,
    io,
    ram: ram.bytes,
    read(key: number, count: number): number[] {
      io.write(0, 2, key)
      return Array.from({ length: count }, () => io.read(1, 1))
    },
    /** Runs a command that stands at 0x1000; returns its control word afterwards. */
    command(control: number, length: number, address: number): number {
      const view = new DataView(ram.bytes.buffer, ram.bytes.byteOffset)
      view.setUint32(0x1000, control)
      view.setUint32(0x1004, length)
      view.setBigUint64(0x1008, BigInt(address))
      io.write(4, 4, 0)
      io.write(8, 4, 0x0010_0000) // 0x1000, big-endian
      return view.getUint32(0x1000)
    },
  }
}

const latin = (bytes: readonly number[] | Uint8Array): string => String.fromCharCode(...bytes)

test('item 0 is the signature, item 1 says whether there is DMA', () => {
  expect(latin(machine().read(0, 4))).toBe('QEMU')
  expect(machine().read(1, 4)).toEqual([3, 0, 0, 0])
  expect(machine({ dma_enabled: false }).read(1, 4)).toEqual([1, 0, 0, 0])
})

test('past the end of an item and without an item everything reads 0', () => {
  const m = machine()
  m.dev.model.addBytes(5, Uint8Array.of(7))
  expect(m.read(5, 3)).toEqual([7, 0, 0])
  expect(m.read(6, 1)).toEqual([0])
  expect(m.read(0x3fff, 1)).toEqual([0])
})

test('files stand in the directory in the order of their names, whenever they were added', () => {
  const m = machine()
  m.dev.model.addFile('etc/b', Uint8Array.of(2, 2))
  m.dev.model.addFile('bootorder', Uint8Array.of(1))
  const directory = m.read(0x19, 4 + 2 * 64)
  expect(directory.slice(0, 4)).toEqual([0, 0, 0, 2])
  expect(directory.slice(4, 12)).toEqual([0, 0, 0, 1, 0, 0x20, 0, 0])
  expect(latin(directory.slice(12, 21))).toBe('bootorder')
  expect(directory.slice(68, 76)).toEqual([0, 0, 0, 2, 0, 0x21, 0, 0])
  expect(m.read(m.dev.model.keyOf('etc/b')!, 2)).toEqual([2, 2])
})

test('DMA selects and reads in one command, and what is beyond the end is 0', () => {
  const m = machine()
  m.dev.model.addFile('a', Uint8Array.of(1, 2, 3))
  m.ram.fill(0xee, 0x2000, 0x2008)
  expect(m.command((0x20 << 16) | 0x08 | 0x02, 5, 0x2000)).toBe(0)
  expect([...m.ram.subarray(0x2000, 0x2008)]).toEqual([1, 2, 3, 0, 0, 0xee, 0xee, 0xee])
})

test('DMA skips, and the next read goes on behind', () => {
  const m = machine()
  m.dev.model.addFile('a', Uint8Array.of(1, 2, 3))
  m.command((0x20 << 16) | 0x08 | 0x04, 2, 0)
  m.command(0x02, 1, 0x2000)
  expect(m.ram[0x2000]).toBe(3)
})

test('DMA writes only files that may be written', () => {
  const m = machine()
  const writes: number[][] = []
  const bytes = new Uint8Array(4)
  m.dev.model.addFile('a', new Uint8Array(4))
  m.dev.model.addFile('b', bytes, { writable: true, onWrite: (at, length) => writes.push([at, length]) })
  m.ram.set([9, 8, 7, 6], 0x2000)
  expect(m.command((0x20 << 16) | 0x08 | 0x10, 4, 0x2000)).toBe(1)
  expect(m.command((0x21 << 16) | 0x08 | 0x10, 4, 0x2000)).toBe(0)
  expect([...bytes]).toEqual([9, 8, 7, 6])
  expect(writes).toEqual([[0, 4]])
})

test('DMA to an address without memory fails and does not hang, whatever its length', () => {
  const m = machine()
  expect(m.command((0x19 << 16) | 0x08 | 0x02, 0xffff_ffff, 0x7000_0000)).toBe(1)
  expect(m.command((0x3f << 16) | 0x08 | 0x02, 0xffff_ffff, 0x10000)).toBe(1)
})

test('the DMA register reads as the signature', () => {
  const m = machine()
  const bytes = Array.from({ length: 8 }, (_, i) => m.io.read(4 + i, 1))
  expect(latin(bytes)).toBe('QEMU CFG')
})

test('a file is built when it is selected', () => {
  const m = machine()
  let built = 0
  m.dev.model.addFile('etc/acpi/tables', new Uint8Array(4), {
    onSelect: () => {
      built++
      m.dev.model.modifyFile('etc/acpi/tables', Uint8Array.of(5))
    },
  })
  expect(m.read(0x20, 2)).toEqual([5, 0])
  expect(built).toBe(1)
})

test('the sizes of the ACPI blobs travel, and resize the receiver’s', () => {
  const source = machine()
  const target = machine()
  for (const [m, size] of [
    [source, 30],
    [target, 50],
  ] as const) {
    m.dev.model.addFile('etc/acpi/rsdp', new Uint8Array(size))
  }
  loadBytes(
    fwCfg.vmstate as never,
    target.dev.state as never,
    saveBytes(fwCfg.vmstate as never, source.dev.state as never),
  )
  target.dev.model.afterLoad()
  expect(target.read(0x19, 8).slice(4)).toEqual([0, 0, 0, 30])
})

test('too many files, a name that is too long and a file twice are refused', () => {
  const { model } = machine({ 'x-file-slots': 1 }).dev
  expect(() => model.addFile('x'.repeat(56), new Uint8Array())).toThrow(/longer than 55/)
  model.addFile('a', new Uint8Array())
  expect(() => model.addFile('a', new Uint8Array())).toThrow(/there already/)
  expect(() => model.addFile('b', new Uint8Array())).toThrow(/room for 1/)
})
