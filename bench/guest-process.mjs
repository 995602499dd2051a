/** One running guest in one emulator: reads the markers on its serial port, and sends it to work. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

const alive = new Set()
const endAll = () => {
  for (const child of alive) child.kill('SIGKILL')
}
process.on('exit', endAll)
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    endAll()
    process.exit(status)
  })
}

/** The guest or its emulator came to an end, or did not answer in time. */
export class GuestLost extends Error {
  name = 'GuestLost'
}

export class GuestProcess {
  /** Seconds from the start of the process to the guest's first marker, and the CPU seconds they took. */
  bootSeconds = NaN
  bootCpuSeconds = NaN
  /** What the emulator said on stderr. */
  said = ''
  #engine
  #child
  #started = performance.now()
  #tail = ''
  #recent = []
  #watchers = new Set()
  #lost

  /** @param {import('./engines.mjs').Engine} engine @param {import('./engines.mjs').Guest} guest */
  constructor(engine, guest) {
    this.#engine = engine
    const [command, args] = engine.command(guest)
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: engine.env ?? process.env })
    const child = this.#child
    alive.add(child)
    child.stdout.setEncoding('latin1').on('data', (text) => this.#feed(text))
    child.stderr.setEncoding('utf8').on('data', (text) => (this.said += text))
    child.stdin.on('error', () => undefined)
    child.on('error', (e) => this.#lose(e.message))
    child.on('close', (status, signal) => {
      alive.delete(child)
      this.#lose(`it ended with ${signal ?? status}`)
    })
  }

  /** Until the guest waits for work. @param {number} seconds at most */
  async boot(seconds) {
    const booted = this.#marker('BOOT', seconds)
    const ready = this.#marker('READY', seconds)
    ready.catch(() => undefined)
    const { at } = await booted
    this.bootSeconds = (at - this.#started) / 1000
    this.bootCpuSeconds = this.cpuSeconds()
    await ready
  }

  /**
   * Runs a workload once.
   * @param {string} name
   * @param {number} seconds at most
   * @returns {Promise<{ host_s: number, cpu_s: number, guest_s: number, chk: string, rc: number }>}
   */
  async run(name, seconds) {
    const begin = this.#marker('BEGIN', seconds).then((m) => ({ ...m, cpu: this.cpuSeconds() }))
    const result = this.#marker('RES', seconds)
    const end = this.#marker('END', seconds).then((m) => ({ ...m, cpu: this.cpuSeconds() }))
    const ready = this.#marker('READY', seconds)
    const all = [begin, result, end, ready]
    for (const one of all) one.catch(() => undefined)
    this.#child.stdin.write(`run ${name} 1\n`)
    const [from, to] = [await begin, await end]
    // A workload that died printed none.
    const facts = Object.fromEntries((await Promise.race([result, ready])).words.map((w) => w.split('=')))
    await ready
    return {
      host_s: round((to.at - from.at) / 1000),
      cpu_s: round(to.cpu - from.cpu),
      guest_s: round(Number(facts.guest_us ?? NaN) / 1e6),
      chk: facts.chk ?? '',
      rc: Number(to.words[2]),
    }
  }

  /** MiB of the process now and at most; NaN where the host does not tell. */
  memory() {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
      const mib = (key) => Math.round(Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024)
      return { end_mib: mib('VmRSS'), peak_mib: mib('VmHWM') }
    } catch {
      return { end_mib: NaN, peak_mib: NaN }
    }
  }

  /** CPU seconds of all threads so far; NaN where the host does not tell. */
  cpuSeconds() {
    try {
      const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    } catch {
      return NaN
    }
  }

  /** Powers off and waits for the process, for a short while: not every emulator ends by itself. */
  async off() {
    const gone = new Promise((resolve) => this.#child.once('close', resolve))
    if (this.#lost !== undefined) return
    const done = this.#marker('DONE', 20).catch(() => undefined)
    this.#child.stdin.write('off\n')
    await done
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2500)
    await gone
    clearTimeout(timer)
  }

  /** A guest that waits still has timers: it gets no processor until it is thawed. */
  freeze() {
    if (this.#lost === undefined) this.#child.kill('SIGSTOP')
  }

  thaw() {
    if (this.#lost === undefined) this.#child.kill('SIGCONT')
  }

  kill() {
    this.#child.kill('SIGKILL')
  }

  #feed(text) {
    const at = performance.now()
    const lines = (this.#tail + text).split('\n')
    this.#tail = lines.pop()
    for (const raw of lines) {
      const line = raw.replace(/\r/g, '')
      this.#recent = [...this.#recent.slice(-30), line]
      const found = /@@([A-Z]+) ?(.*)$/.exec(line)
      if (found === null) continue
      for (const watcher of this.#watchers) watcher(found[1], { at, words: found[2].trim().split(/\s+/) })
    }
  }

  #marker(tag, seconds) {
    return new Promise((resolve, reject) => {
      const finish = (act) => {
        clearTimeout(timer)
        this.#watchers.delete(watcher)
        act()
      }
      const watcher = (came, marker) => {
        if (came === tag) finish(() => resolve(marker))
        else if (came === 'LOST') finish(() => reject(this.#lost))
      }
      const timer = setTimeout(() => {
        this.#lose(`no @@${tag} after ${seconds} s`)
        this.kill()
      }, seconds * 1000)
      this.#watchers.add(watcher)
      if (this.#lost !== undefined) watcher('LOST')
    })
  }

  #lose(why) {
    if (this.#lost !== undefined) return
    const tail = [...this.#recent.slice(-12), this.#tail, this.said.slice(-1500)].join('\n').trim()
    this.#lost = new GuestLost(`${this.#engine.title}: ${why}\n${tail}`)
    for (const watcher of [...this.#watchers]) watcher('LOST')
  }
}

const round = (n) => Math.round(n * 1e4) / 1e4
