/** A 128-bit digest of machine state, for comparing runs: not for security. Four lanes in the manner of xxHash32. */
export class Digest {
  private readonly lanes = Uint32Array.of(0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f)
  private length = 0

  update(bytes: Uint8Array): void {
    const { lanes } = this
    const words = bytes.length >> 2
    let [a, b, c, d] = [lanes[0]!, lanes[1]!, lanes[2]!, lanes[3]!]
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let i = 0
    for (; i + 4 <= words; i += 4) {
      a = round(a, view.getInt32(4 * i, true))
      b = round(b, view.getInt32(4 * i + 4, true))
      c = round(c, view.getInt32(4 * i + 8, true))
      d = round(d, view.getInt32(4 * i + 12, true))
    }
    for (let at = 4 * i; at < bytes.length; at++) a = round(a, bytes[at]! + 1)
    lanes.set([a, b ^ a, c ^ b, d ^ c])
    this.length += bytes.length
  }

  hex(): string {
    return [...this.lanes, this.length >>> 0].map((n) => n.toString(16).padStart(8, '0')).join('')
  }
}

function round(lane: number, word: number): number {
  const n = (lane + Math.imul(word, 0x85eb_ca77)) | 0
  return Math.imul((n << 13) | (n >>> 19), 0x9e37_79b1)
}
