/** What compiled code knows of blocks: how hot they are, and which regions they are in. */
import type { CodeBlock } from '../tier0/code-block.ts'
import type { Mode } from '../tier0/mode.ts'

/** What may become a region. */
export interface Prospect {
  /** Samples of its blocks until it is worth another look. */
  wanting: number
}

export interface Known<Region> {
  readonly block: CodeBlock
  samples: number
  /** Those of them that have been an argument for compiling it. */
  spent: number
  /** What the last look at the surroundings found. */
  prospect: Prospect | undefined
  /** Of regions that the block is in. */
  readonly regions: Set<Region>
  /** The one whose function its first record calls. */
  entered: Region | undefined
  /** Where its first instruction stands by itself. */
  copy: number
  wanted: boolean
  /** Was in a region whose pages were not where it expected them. */
  moves: boolean
}

export class KnownBlocks<Region> {
  private readonly byId: (Known<Region> | undefined)[] = []
  private readonly byPage = new Map<number, Known<Region>[]>()

  get(block: CodeBlock): Known<Region> | undefined {
    return this.byId[block.id]
  }

  of(block: CodeBlock): Known<Region> {
    return this.byId[block.id] ?? this.add(block)
  }

  /** Was seen running. */
  hot(block: CodeBlock): boolean {
    const known = this.byId[block.id]
    return known !== undefined && isHot(known)
  }

  /** Live blocks of a page in a mode that were seen running. */
  hotOf(hostPage: number, mode: Mode): CodeBlock[] {
    const found: CodeBlock[] = []
    for (const known of this.byPage.get(hostPage) ?? [])
      if (isHot(known) && known.block.live && known.block.mode === mode) found.push(known.block)
    return found
  }

  clear(): void {
    this.byId.length = 0
    this.byPage.clear()
  }

  private add(block: CodeBlock): Known<Region> {
    const known: Known<Region> = {
      block,
      samples: 0,
      spent: 0,
      prospect: undefined,
      regions: new Set(),
      entered: undefined,
      copy: 0,
      wanted: false,
      moves: false,
    }
    while (this.byId.length < block.id) this.byId.push(undefined)
    this.byId[block.id] = known
    const page = this.byPage.get(block.hostPage)
    if (page === undefined) this.byPage.set(block.hostPage, [known])
    else page.push(known)
    return known
  }
}

const isHot = ({ samples, entered }: Known<unknown>): boolean => samples > 0 || entered !== undefined
