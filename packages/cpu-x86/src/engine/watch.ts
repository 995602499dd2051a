/** What the processor remembers of memory follows changes that others make to it. */
import type { AddressSpace, RamBlock } from '@godwit/memory'
import type { Blocks } from '../tier0/blocks.ts'

const PAGE = 4096

export interface Watcher {
  readonly memory: AddressSpace
  readonly blocks: Blocks
  /** The dirty log was collected: every page's next write must be seen. */
  readonly onCollect: () => void
  /** Regions have come, gone or moved. */
  readonly onMap: () => void
}

export function watch(ramBlocks: readonly RamBlock[], { memory, blocks, onCollect, onMap }: Watcher): void {
  for (const block of ramBlocks) {
    const first = block.offset / PAGE
    const told = block.onWrite
    block.onWrite = (offset, length) => {
      told?.(offset, length)
      const last = Math.floor((offset + length - 1) / PAGE)
      for (let page = Math.floor(offset / PAGE); page <= last; page++) {
        if (blocks.hasCode[first + page] === 0) continue
        blocks.written(first + page, Math.max(offset - page * PAGE, 0), Math.min(offset + length - page * PAGE, PAGE))
      }
    }
    const collected = block.dirty.onCollect
    block.dirty.onCollect = () => {
      collected?.()
      onCollect()
    }
  }
  const changed = memory.onChange
  memory.onChange = () => {
    changed?.()
    onMap()
  }
}
