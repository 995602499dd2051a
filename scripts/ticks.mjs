/** Follows the ticks guest (guests/init, godwit.job=ticks): knows what its checksum chain must be at any tick. */
import { createHash } from 'node:crypto'

const md5 = (data) => createHash('md5').update(data).digest('hex')

export class TickWatch {
  #data
  #block
  #chain = 'start'
  #known = 0
  #text = ''
  last = 0
  lastUptime = 0
  /** What was wrong, if anything. */
  faults = []

  /** @param {number} dirtyKib size of the guest's file: godwit.dirty */
  constructor(dirtyKib = 1024) {
    this.#data = Buffer.alloc(dirtyKib * 1024)
    this.#block = Math.floor(dirtyKib / 16) * 1024
  }

  /** Takes text from the console; returns the ticks that were in it. */
  feed(text) {
    this.#text += text
    const lines = this.#text.split('\n')
    this.#text = lines.pop()
    let ticks = 0
    for (const line of lines) {
      const found = /@@TICK (\d+) ([0-9a-f]{32}) ([\d.]+)/.exec(line)
      if (found === null) continue
      ticks++
      const n = Number(found[1])
      if (n !== this.last + 1) this.faults.push(`tick ${n} came after tick ${this.last}`)
      this.last = n
      this.lastUptime = Number(found[3])
      if (this.#expected(n) !== found[2]) this.faults.push(`tick ${n}: checksum ${found[2]}, expected ${this.#chain}`)
    }
    return ticks
  }

  #expected(n) {
    while (this.#known < n) {
      this.#known++
      const line = `${this.#known}\n`
      const at = (this.#known % 16) * this.#block
      this.#data
        .subarray(at, at + this.#block)
        .set(Buffer.from(line.repeat(Math.ceil(this.#block / line.length))).subarray(0, this.#block))
      this.#chain = md5(`${this.#chain} ${md5(this.#data)}\n`)
    }
    return this.#chain
  }
}
