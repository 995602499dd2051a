/** RAM of a machine on another thread: its bytes are shared, its log is not. */
import type { MigratableBlock, MigratableLog } from '@godwit/migration-net'
import { FLAG } from './flags.ts'
import type { BlockShape } from './messages.ts'
import type { Touched } from './requests.ts'
import type { ThreadLink } from './thread-link.ts'

export class RemoteBlock implements MigratableBlock {
  readonly name: string
  readonly bytes: Uint8Array
  readonly maxSize: number
  readonly dirty: MigratableLog
  private readonly link: ThreadLink
  private readonly index: number
  private used: number
  /** Bytes that were changed here and that the processor has not been told of. */
  private first = Infinity
  private end = 0

  constructor(link: ThreadLink, index: number, shape: BlockShape, memory: SharedArrayBuffer) {
    this.link = link
    this.index = index
    this.name = shape.name
    this.bytes = new Uint8Array(memory, shape.offset, shape.size)
    this.maxSize = shape.maxSize
    this.used = shape.usedSize
    this.dirty = {
      get dirtyPages() {
        return Atomics.load(link.flags, FLAG.dirty + index)
      },
      start: (allDirty) => link.ask('startLog', [index, allDirty]),
      stop() {
        Atomics.store(link.flags, FLAG.dirty + index, 0)
        if (link.lost === undefined) link.ask('stopLog', [index])
      },
      collect: () => {
        const { pages, usedSize } = link.ask('collect', [index])
        this.used = usedSize
        return pages
      },
    }
  }

  /** As it was when the log was collected. */
  get usedSize(): number {
    return this.used
  }

  set usedSize(bytes: number) {
    this.link.ask('resize', [this.index, bytes])
    this.used = bytes
  }

  write(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset)
    this.touched(offset, data.length)
  }

  fill(offset: number, length: number, value: number): void {
    this.bytes.fill(value, offset, offset + length)
    this.touched(offset, length)
  }

  /** The guest does not run yet: before it does, or anything else is asked of its machine, the processor is told. */
  touched(offset: number, length: number): void {
    if (length === 0) return
    this.first = Math.min(this.first, offset)
    this.end = Math.max(this.end, offset + length)
  }

  /** What is to be told, once. */
  takeTouched(): Touched | undefined {
    if (this.end === 0) return undefined
    const touched: Touched = [this.index, this.first, this.end - this.first]
    this.first = Infinity
    this.end = 0
    return touched
  }
}
