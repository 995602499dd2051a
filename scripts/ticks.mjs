/** Follows a guest that counts ticks: knows what its checksum must be at each, and finds a tick that is lost or wrong. */
import { createHash } from 'node:crypto'

const md5 = (data) => createHash('md5').update(data).digest('hex')

/**
 * The chain of guests/init with godwit.job=ticks.
 * @param {number} dirtyKib size of the guest's file: godwit.dirty
 */
export function linuxChain(dirtyKib) {
  const data = Buffer.alloc(dirtyKib * 1024)
  const block = Math.floor(dirtyKib / 16) * 1024
  let chain = 'start'
  let count = 0
  return () => {
    const line = `${++count}\n`
    const at = (count % 16) * block
    data.subarray(at, at + block).set(Buffer.from(line.repeat(Math.ceil(block / line.length))).subarray(0, block))
    return (chain = md5(`${chain} ${md5(data)}\n`))
  }
}

export class TickWatch {
  #next
  #chain = ''
  #known = 0
  #text = ''
  last = 0
  /** The guest's uptime in s when it began to print the last tick, and its date in whole s since 1970. */
  lastUptime = 0
  lastDate = 0
  /** What was wrong, if anything. */
  faults = []

  /** @param {number | (() => string)} rule KiB that the Linux guest dirties, or what gives the next tick's checksum */
  constructor(rule = 1024) {
    this.#next = typeof rule === 'number' ? linuxChain(rule) : rule
  }

  /** Takes text from the console; returns the ticks that were in it. */
  feed(text) {
    this.#text += text
    const lines = this.#text.split('\n')
    this.#text = lines.pop()
    let ticks = 0
    for (const line of lines) {
      const found = /@@TICK (\d+) ([0-9a-f]+)(?: ([\d.]+))?(?: (\d+))?\r?$/.exec(line)
      if (found === null) continue
      ticks++
      const n = Number(found[1])
      if (n !== this.last + 1) this.faults.push(`tick ${n} came after tick ${this.last}`)
      this.last = n
      this.lastUptime = Number(found[3] ?? 0)
      this.lastDate = Number(found[4] ?? 0)
      const expected = this.#expected(n)
      if (expected !== found[2]) this.faults.push(`tick ${n}: checksum ${found[2]}, expected ${expected}`)
    }
    return ticks
  }

  #expected(n) {
    while (this.#known < n) {
      this.#known++
      this.#chain = this.#next()
    }
    return this.#chain
  }
}
