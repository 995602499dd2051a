import type { IoHandlers, RamRegion, Region } from './region.ts'

/** A region in an address space: it can be hidden, moved and taken out while the guest runs. */
export interface Mapping {
  readonly region: Region
  readonly enabled: boolean
  /** Shows or hides the region, and moves it if a base is given. */
  set(enabled: boolean, base?: number): void
  /** Replaces what the mapping shows, keeping its place in the order. */
  replace(region: Region): void
  remove(): void
}

/** A stretch of addresses that one region answers, after overlaps are resolved. End is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly region: Region
  /** Address of the region's offset 0 as mapped now. */
  readonly base: number
}

interface Entry {
  region: Region
  base: number
  enabled: boolean
  order: number
}

/**
 * Regions in order: guest physical memory, or the 64 Ki ports.
 *
 * An access nobody answers reads as all ones and is dropped when written. Addresses are exact integers below 2^53.
 */
export class AddressSpace {
  readonly name: string
  private readonly entries: Entry[] = []
  private spans: Span[] = []
  private last: Span | undefined
  private orders = 0
  private batchDepth = 0
  /** Told after the map has changed, so that cached translations can be dropped. */
  onChange: (() => void) | undefined
  /** Told of accesses nobody answers. */
  onUnclaimed: ((address: number, size: number, write: boolean) => void) | undefined

  constructor(name: string) {
    this.name = name
  }

  add(region: Region, enabled = true): Mapping {
    const entry: Entry = { region, base: region.base, enabled, order: this.orders++ }
    this.entries.push(entry)
    if (enabled) this.rebuild()
    return {
      get region() {
        return entry.region
      },
      get enabled() {
        return entry.enabled
      },
      set: (on, base = entry.base) => {
        if (on === entry.enabled && base === entry.base) return
        entry.enabled = on
        entry.base = base
        this.rebuild()
      },
      replace: (next) => {
        if (next === entry.region) return
        entry.region = next
        entry.base = next.base
        if (entry.enabled) this.rebuild()
      },
      remove: () => {
        const at = this.entries.indexOf(entry)
        if (at >= 0) this.entries.splice(at, 1)
        this.rebuild()
      },
    }
  }

  /** Changes several mappings with one rebuild. */
  batch(change: () => void): void {
    this.batchDepth++
    try {
      change()
    } finally {
      this.batchDepth--
      this.rebuild()
    }
  }

  /** The span that answers an address, if any. */
  find(address: number): Span | undefined {
    const last = this.last
    if (last !== undefined && address >= last.start && address < last.end) return last
    let low = 0
    let high = this.spans.length - 1
    while (low <= high) {
      const mid = (low + high) >> 1
      const span = this.spans[mid]!
      if (address < span.start) high = mid - 1
      else if (address >= span.end) low = mid + 1
      else return (this.last = span)
    }
    return undefined
  }

  /** Every span in ascending order. */
  map(): readonly Span[] {
    return this.spans
  }

  /** Unsigned little-endian value of 1, 2 or 4 bytes. */
  read(address: number, size: 1 | 2 | 4): number {
    const span = this.find(address)
    // Devices are found by an access's first byte, as on the bus; memory is put together byte by byte.
    if (span !== undefined && span.region.kind === 'io') return readIo(span.region.io, address - span.base, size)
    if (span === undefined || address + size > span.end) return this.readAcross(address, size, span)
    const region = span.region as RamRegion
    const at = address - span.base + (region.blockOffset ?? 0)
    const { bytes } = region.block
    if (size === 1) return bytes[at]!
    if (size === 2) return bytes[at]! | (bytes[at + 1]! << 8)
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }

  write(address: number, size: 1 | 2 | 4, value: number): void {
    const span = this.find(address)
    if (span !== undefined && span.region.kind === 'io') {
      writeIo(span.region.io, address - span.base, size, value)
      return
    }
    if (span === undefined || address + size > span.end) {
      this.writeAcross(address, size, value, span)
      return
    }
    const { region } = span
    if (region.kind === 'ram') {
      const at = address - span.base + (region.blockOffset ?? 0)
      for (let i = 0; i < size; i++) region.block.bytes[at + i] = value >>> (8 * i)
      region.block.touched(at, size)
    }
  }

  /** Copies guest memory out; unclaimed bytes read as ones. */
  readBytes(address: number, target: Uint8Array): void {
    for (let done = 0; done < target.length;) {
      const span = this.find(address + done)
      if (span !== undefined && span.region.kind !== 'io') {
        const at = address + done - span.base + (span.region.blockOffset ?? 0)
        const count = Math.min(target.length - done, span.end - address - done)
        target.set(span.region.block.bytes.subarray(at, at + count), done)
        done += count
      } else {
        target[done] = this.read(address + done, 1)
        done++
      }
    }
  }

  /** Copies bytes into guest memory, as DMA does. */
  writeBytes(address: number, data: Uint8Array): void {
    for (let done = 0; done < data.length;) {
      const span = this.find(address + done)
      if (span !== undefined && span.region.kind === 'ram') {
        const at = address + done - span.base + (span.region.blockOffset ?? 0)
        const count = Math.min(data.length - done, span.end - address - done)
        span.region.block.write(at, data.subarray(done, done + count))
        done += count
      } else {
        this.write(address + done, 1, data[done]!)
        done++
      }
    }
  }

  private readAcross(address: number, size: 1 | 2 | 4, span: Span | undefined): number {
    if (size === 1 || (span === undefined && this.find(address + size - 1) === undefined)) {
      this.onUnclaimed?.(address, size, false)
      return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff
    }
    let value = 0
    for (let i = 0; i < size; i++) value |= this.read(address + i, 1) << (8 * i)
    return value >>> 0
  }

  private writeAcross(address: number, size: 1 | 2 | 4, value: number, span: Span | undefined): void {
    if (size === 1 || (span === undefined && this.find(address + size - 1) === undefined)) {
      this.onUnclaimed?.(address, size, true)
      return
    }
    for (let i = 0; i < size; i++) this.write(address + i, 1, (value >>> (8 * i)) & 0xff)
  }

  private rebuild(): void {
    if (this.batchDepth > 0) return
    const shown = this.entries
      .filter((e) => e.enabled && e.region.size > 0)
      .sort((a, b) => (a.region.priority ?? 0) - (b.region.priority ?? 0) || a.order - b.order)
    const edges = [...new Set(shown.flatMap((e) => [e.base, e.base + e.region.size]))].sort((a, b) => a - b)
    const spans: Span[] = []
    for (let i = 0; i + 1 < edges.length; i++) {
      const start = edges[i]!
      const top = shown.findLast((e) => e.base <= start && start < e.base + e.region.size)
      if (top === undefined) continue
      const before = spans.at(-1)
      const end = edges[i + 1]!
      if (before !== undefined && before.end === start && before.region === top.region && before.base === top.base) {
        spans[spans.length - 1] = { ...before, end }
      } else {
        spans.push({ start, end, region: top.region, base: top.base })
      }
    }
    this.spans = spans
    this.last = undefined
    this.onChange?.()
  }
}

/** All ones for an access of that many bytes. */
function ones(size: 1 | 2 | 4): number {
  return size === 4 ? 0xffff_ffff : (1 << (8 * size)) - 1
}

function readIo(io: IoHandlers, offset: number, size: 1 | 2 | 4): number {
  const { min, max } = io.sizes ?? { min: 1, max: 4 }
  if (size > max) {
    let value = 0
    for (let i = 0; i < size; i += max) value |= (io.read(offset + i, max) & ones(max)) << (8 * i)
    return value >>> 0
  }
  if (size < min) {
    const start = offset - (offset % min)
    return (io.read(start, min) >>> (8 * (offset - start))) & ones(size)
  }
  return (io.read(offset, size) & ones(size)) >>> 0
}

function writeIo(io: IoHandlers, offset: number, size: 1 | 2 | 4, value: number): void {
  const { min, max } = io.sizes ?? { min: 1, max: 4 }
  if (size > max) {
    for (let i = 0; i < size; i += max) io.write(offset + i, max, (value >>> (8 * i)) & ones(max))
  } else if (size < min) {
    const start = offset - (offset % min)
    io.write(start, min, (value << (8 * (offset - start))) >>> 0)
  } else {
    io.write(offset, size, value)
  }
}
