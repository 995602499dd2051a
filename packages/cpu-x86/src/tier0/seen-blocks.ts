/** Blocks as tier 1 knows them: one object for each that it has asked for. */
import { B, LIVE, SOUGHT, type BlockTable } from './block-table.ts'
import { NOWHERE, type CodeBlock } from './code-block.ts'
import { MODES } from './mode.ts'
import { R } from './record.ts'
import { flowOf, hasLink, nameOf } from './templates.ts'

const PAGE = 4096

type Seen = { -readonly [K in keyof CodeBlock]: CodeBlock[K] }

export class SeenBlocks {
  private readonly table: BlockTable
  private readonly records: Int32Array
  /** By number of the block. */
  private readonly known: (Seen | undefined)[] = []

  constructor(table: BlockTable, buffer: ArrayBufferLike) {
    this.table = table
    this.records = new Int32Array(buffer)
  }

  /** Undefined: nobody has asked for it. */
  get(block: number): CodeBlock | undefined {
    return this.known[block / B.words]
  }

  of(block: number): CodeBlock {
    const i = block / B.words
    const known = this.known[i]
    if (known !== undefined) return known
    while (this.known.length <= i) this.known.push(undefined)
    const seen: Seen = {
      id: i,
      hostPage: 0,
      mode: MODES[0]!,
      record: 0,
      length: 0,
      start: 0,
      end: 0,
      live: false,
      second: -1,
      flow: 'next',
      target: NOWHERE,
      next: NOWHERE,
      last: '',
      sought: false,
    }
    this.known[i] = seen
    this.update(block)
    return seen
  }

  /** It has been decoded again. */
  update(block: number): void {
    const seen = this.known[block / B.words]
    if (seen === undefined) return
    const { words } = this.table
    const at = words[block]! >>> 0
    const flags = words[block + B.flags]!
    const facts = words[block + B.facts]!
    const second = words[block + B.second]!
    const end = second < 0 ? words[block + B.end]! : PAGE + words[block + B.secondEnd]!
    seen.hostPage = at >>> 12
    seen.mode = MODES[flags & 31]!
    seen.record = words[block + B.record]! >>> 0
    seen.length = words[block + B.length]!
    seen.start = at & (PAGE - 1)
    seen.end = words[block + B.end]!
    seen.live = (flags & LIVE) !== 0
    seen.second = second
    seen.flow = flowOf(facts)
    seen.next = seen.flow === 'jump' ? NOWHERE : end
    const last = seen.record + (seen.length - 1) * R.bytes
    seen.target = hasLink(facts) ? within(end + this.records[(last + R.disp) >>> 2]!) : NOWHERE
    seen.last = nameOf(facts)
    seen.sought = (flags & SOUGHT) !== 0
  }

  /** Control came to it by an address that nobody knew before. */
  seek(block: number): void {
    const seen = this.known[block / B.words]
    if (seen !== undefined) seen.sought = true
  }

  /** It is no more: gives what there is to be told. */
  drop(block: number): CodeBlock | undefined {
    const seen = this.known[block / B.words]
    if (seen !== undefined) seen.live = false
    return seen
  }

  clear(): void {
    this.known.length = 0
  }
}

/** Further away than numbers of 32 bits say: as good as nowhere. */
const within = (offset: number): number => (offset === (offset | 0) ? offset : NOWHERE)
