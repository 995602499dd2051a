import { DirtyLog } from './dirty-log.ts'
import { PAGE_SIZE, type HostMemory } from './host-memory.ts'

/** Host bytes behind guest RAM or ROM, known on the wire by their name ("pc.ram"). */
export class RamBlock {
  readonly name: string
  readonly size: number
  /** Where the block begins in the host memory. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly dirty: DirtyLog
  /** Largest size a migration may resize the block to; equal to size unless the block is resizable. */
  readonly maxSize: number
  /** Bytes of the block that are in use; changes only in resizable blocks. */
  usedSize: number
  /** Told of every write that did not come from the CPU's fast path: byte offset and length in the block. */
  onWrite: ((offset: number, length: number) => void) | undefined

  constructor(host: HostMemory, name: string, sizeBytes: number, maxSizeBytes = sizeBytes) {
    this.name = name
    this.size = Math.ceil(maxSizeBytes / PAGE_SIZE) * PAGE_SIZE
    this.maxSize = this.size
    this.usedSize = Math.ceil(sizeBytes / PAGE_SIZE) * PAGE_SIZE
    this.offset = host.allocate(this.size)
    this.bytes = host.bytes.subarray(this.offset, this.offset + this.size)
    this.dirty = new DirtyLog(this.size / PAGE_SIZE)
  }

  /** Copies bytes in, as a device or a loader does: marks pages dirty and lets the CPU forget code that stood there. */
  write(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset)
    this.touched(offset, data.length)
  }

  fill(offset: number, length: number, value: number): void {
    this.bytes.fill(value, offset, offset + length)
    this.touched(offset, length)
  }

  /** Says that bytes were changed in place. */
  touched(offset: number, length: number): void {
    if (length === 0) return
    this.dirty.mark(offset, length)
    this.onWrite?.(offset, length)
  }
}
