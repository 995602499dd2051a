import type { Char } from '@godwit/hw'

/** Bytes typed at a terminal that the device has not taken yet. */
export class InputQueue {
  private parts: Uint8Array[] = []
  private bytes = 0
  private delivering = false

  /** Bytes that wait. */
  get length(): number {
    return this.bytes
  }

  push(data: Uint8Array): void {
    if (data.length === 0) return
    this.parts.push(data.slice())
    this.bytes += data.length
  }

  /** Gives the device what it takes. */
  deliver(char: Char): void {
    if (this.delivering) return
    this.delivering = true
    try {
      for (let first = this.parts[0]; first !== undefined; first = this.parts[0]) {
        const taken = Math.min(char.onData?.(first) ?? 0, first.length)
        this.bytes -= taken
        if (taken === first.length) {
          this.parts.shift()
          continue
        }
        this.parts[0] = first.subarray(taken)
        return
      }
    } finally {
      this.delivering = false
    }
  }
}
