/**
 * Names of the sections in the rest of a stream that is going to be refused. The length of an unknown section is not on
 * the wire, so its end is where its footer stands and an element can begin. Nothing is decoded.
 */
import type { Reader } from '@godwit/bits'
import { COMMANDS, TYPE } from './format.ts'
import type { SectionHead } from './format.ts'

const FOOTER = 5
const MAX_VERSION = 0xffff

export class Survey {
  readonly sections: string[]
  /** Whether EOF was found. */
  reachedEnd = false
  private footer: Uint8Array
  private skipped = 0
  private readonly limits: { readonly maxSectionBytes: number; readonly maxSections: number }

  constructor(first: SectionHead, limits: { readonly maxSectionBytes: number; readonly maxSections: number }) {
    this.sections = [`${first.idstr}/${first.instance}`]
    this.footer = footerOf(first.sectionId)
    this.limits = limits
  }

  /** Consumes what it can; true when there is nothing more to find out. */
  read(r: Reader, ended: boolean): boolean {
    for (;;) {
      const at = this.seek(r)
      if (at < 0) {
        // a footer may have begun in the last bytes
        this.skip(r, Math.max(0, r.left - 4))
        return ended || this.skipped > this.limits.maxSectionBytes
      }
      this.skip(r, at - r.at)
      const rest = r.data.subarray(r.at + FOOTER)
      const head = headAt(rest)
      if (head === 'more') {
        if (!ended) return false
        this.skip(r, 1)
      } else if (head !== null) {
        this.sections.push(`${head.idstr}/${head.instance}`)
        if (this.sections.length >= this.limits.maxSections) return true
        this.footer = footerOf(head.sectionId)
        this.skip(r, FOOTER + 14 + head.idstr.length)
        this.skipped = 0
      } else if (rest[0] === TYPE.EOF && (rest.length === 1 || rest[1] === TYPE.VMDESCRIPTION)) {
        // nothing may follow for as long as the source waits for an answer
        this.reachedEnd = ended || rest.length > 1
        return true
      } else if (isCommand(rest)) {
        // our own source asks behind the last device whether all have come
        this.reachedEnd = true
        return true
      } else this.skip(r, 1)
      if (this.skipped > this.limits.maxSectionBytes) return true
    }
  }

  private seek(r: Reader): number {
    const { data } = r
    const { footer } = this
    for (let at = data.indexOf(TYPE.FOOTER, r.at); at >= 0; at = data.indexOf(TYPE.FOOTER, at + 1)) {
      if (at + FOOTER > data.length) return -1
      if (footer.every((byte, i) => data[at + i] === byte)) return at
    }
    return -1
  }

  private skip(r: Reader, bytes: number): void {
    r.skip(bytes)
    this.skipped += bytes
  }
}

/** Header of a device section, if these bytes are plausibly one; 'more' if they may become one. */
function headAt(bytes: Uint8Array): SectionHead | 'more' | null {
  if (bytes.length === 0 || (bytes[0] === TYPE.COMMAND && bytes.length < 3)) return 'more'
  if (bytes[0] !== TYPE.FULL) return null
  if (bytes.length < 6) return 'more'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes[5]!
  if (length === 0) return null
  let idstr = ''
  for (const c of bytes.subarray(6, 6 + length)) {
    if (c < 0x20 || c > 0x7e) return null
    idstr += String.fromCharCode(c)
  }
  if (bytes.length < 14 + length) return 'more'
  const version = view.getUint32(10 + length)
  if (version > MAX_VERSION) return null
  return { sectionId: view.getUint32(1), idstr, instance: view.getUint32(6 + length), version }
}

/** A command would want an answer, which nobody gives who is about to refuse. */
const isCommand = (bytes: Uint8Array): boolean =>
  bytes.length >= 3 && bytes[0] === TYPE.COMMAND && bytes[1] === 0 && bytes[2]! > 0 && bytes[2]! < COMMANDS.length

const footerOf = (id: number): Uint8Array =>
  Uint8Array.of(TYPE.FOOTER, id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff)
