/** Which bytes of the host's pages are code, by pieces. */

const PIECE = 64
/** Writes beside the code of a page until all its code is dropped: it is data that once was code. */
const PATIENCE = 256

export class Coverage {
  /** By host page: 1 where there are live blocks. */
  readonly hasCode: Uint8Array
  /** Two words for each page: a bit for each piece some of which is code. */
  private readonly pieces: Int32Array
  /** Writes since the last block was decoded there. */
  private readonly writes: Int32Array

  constructor(pages: number) {
    this.hasCode = new Uint8Array(pages)
    this.pieces = new Int32Array(pages * 2)
    this.writes = new Int32Array(pages)
  }

  /** Bytes of a page are code. */
  add(page: number, start: number, end: number): void {
    for (let p = Math.floor(start / PIECE); p * PIECE < end; p++) this.pieces[2 * page + (p >> 5)]! |= 1 << (p & 31)
    this.hasCode[page] = 1
  }

  /** A block has come. True if it is the first. */
  cover(page: number, start: number, end: number): boolean {
    const first = this.hasCode[page] === 0
    this.add(page, start, end)
    this.writes[page] = 0
    return first
  }

  /** What a write to bytes of a page that has code leaves of it. */
  written(page: number, from: number, to: number): 'all' | 'the rest' | 'nothing' {
    if (++this.writes[page]! > PATIENCE) return 'nothing'
    for (let p = Math.floor(from / PIECE); p * PIECE < to; p++)
      if ((this.pieces[2 * page + (p >> 5)]! & (1 << (p & 31))) !== 0) return 'the rest'
    return 'all'
  }

  /** Bytes of a page are code no more, as far as is known here. They begin and end with pieces. */
  forget(page: number, from: number, to: number): void {
    for (let p = from / PIECE; p * PIECE < to; p++) this.pieces[2 * page + (p >> 5)]! &= ~(1 << (p & 31))
    this.hasCode[page] = this.pieces[2 * page] === 0 && this.pieces[2 * page + 1] === 0 ? 0 : 1
  }

  clear(): void {
    this.hasCode.fill(0)
    this.pieces.fill(0)
    this.writes.fill(0)
  }
}
