/**
 * What the jump cache knows of user code, page by page. A change of address space asks of each page whether it is still
 * where it was, instead of forgetting all: a process that comes back, and a child that shares its parent's code, go on
 * without looking up anything. What is not there any more waits for the page to come back.
 */
import type { Walker } from '../system/paging.ts'
import type { JumpCache } from '../tier0/jump-cache.ts'
import { MODES as ALL_MODES, type Mode } from '../tier0/mode.ts'

const PAGE = 4096
/** Asking of more pages than that costs more than looking up anew. */
const MOST_PAGES = 128
const MOST_WAITING = 2048
const MODES = 32

interface CodePage {
  readonly page: number
  readonly mode: Mode
  readonly physical: number
  /** Records by offset in the page. */
  readonly jumps: Map<number, number>
}

export class UserCode {
  private readonly jumps: JumpCache
  private readonly walker: Walker
  /** By page and mode. */
  private readonly known = new Map<number, CodePage>()
  private readonly waiting = new Map<number, CodePage[]>()
  private waitingCount = 0
  /** The page that was noted last: most often the next one, too. */
  private recent: CodePage | undefined
  /** Into large pages, and where an instruction reaches into the next page: what one page cannot answer for. */
  private loose: number[] = []

  constructor(jumps: JumpCache, walker: Walker) {
    this.jumps = jumps
    this.walker = walker
  }

  /** A jump that was just entered into the cache. `physical`: of its page, or -1 in a large one. */
  note(linear: number, record: number, physical: number, mode: Mode, crosses: boolean): void {
    if (crosses || physical < 0) {
      this.loose.push(linear)
      return
    }
    const page = Math.floor(linear / PAGE)
    const offset = linear - page * PAGE
    const { recent } = this
    if (recent?.page === page && recent.mode === mode && recent.physical === physical) {
      recent.jumps.set(offset, record)
      return
    }
    const key = page * MODES + mode.key
    let code = this.known.get(key)
    if (code?.physical !== physical) {
      if (code !== undefined) this.evict(key, code)
      code = this.comeBack(key, physical) ?? { page, mode, physical, jumps: new Map() }
      this.known.set(key, code)
      for (const [to, known] of code.jumps) this.jumps.set(page * PAGE + to, known)
      this.jumps.set(linear, record)
    }
    code.jumps.set(offset, record)
    this.recent = code
  }

  /** Another address space is in use. False: everything that the cache knows of user code must go. */
  moved(): boolean {
    this.dropLoose()
    if (this.known.size > MOST_PAGES) {
      this.forget()
      return false
    }
    const { walker } = this
    for (const [key, code] of this.known) {
      const there =
        walker.probe(code.page * PAGE, 'execute', true) &&
        walker.page.accessed &&
        walker.page.physical === code.physical
      if (!there) this.evict(key, code)
    }
    return true
  }

  /** The translation of a page is gone. */
  dropPage(page: number): void {
    for (const { key: mode } of ALL_MODES) {
      const key = page * MODES + mode
      const code = this.known.get(key)
      if (code !== undefined) this.evict(key, code)
    }
  }

  /** The cache has forgotten all. */
  forget(): void {
    this.loose = []
    this.recent = undefined
    for (const [key, code] of this.known) this.wait(key, code)
    this.known.clear()
  }

  /** Records are no more. */
  clear(): void {
    this.loose = []
    this.recent = undefined
    this.known.clear()
    this.waiting.clear()
    this.waitingCount = 0
  }

  private evict(key: number, code: CodePage): void {
    this.recent = undefined
    for (const [offset, record] of code.jumps) this.jumps.drop(code.page * PAGE + offset, record)
    this.known.delete(key)
    this.wait(key, code)
  }

  private wait(key: number, code: CodePage): void {
    if (++this.waitingCount > MOST_WAITING) {
      this.waiting.clear()
      this.waitingCount = 1
    }
    const list = this.waiting.get(key)
    if (list === undefined) this.waiting.set(key, [code])
    else list.push(code)
  }

  private comeBack(key: number, physical: number): CodePage | undefined {
    const list = this.waiting.get(key)
    const i = list?.findIndex((code) => code.physical === physical) ?? -1
    if (i < 0) return undefined
    this.waitingCount--
    return list!.splice(i, 1)[0]
  }

  /** Any translation is gone. */
  dropLoose(): void {
    if (this.loose.length === 0) return
    for (const linear of this.loose) this.jumps.drop(linear)
    this.loose = []
  }
}
