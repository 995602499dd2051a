/** A real QEMU that stands still: asked through QMP, and made to write its stream. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const STILL =
  '-S -nodefaults -no-user-config -accel tcg -net none -display none -monitor none -serial null -m 128'.split(' ')

/** Starts QEMU with more arguments, runs `work` with it, and ends it. */
export async function withQemu(binary, args, work) {
  const folder = mkdtempSync(join(tmpdir(), 'collect-'))
  const child = spawn(binary, [...STILL, '-qmp', 'stdio', ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const qemu = new StillQemu(child, folder)
  try {
    await qemu.run('qmp_capabilities')
    return await work(qemu)
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

class StillQemu {
  #waiting = new Map()
  #next = 1
  #text = ''
  #complaints = ''

  constructor(child, folder) {
    this.child = child
    this.folder = folder
    child.stdout.setEncoding('utf8').on('data', (chunk) => this.#take(chunk))
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#complaints += text))
    child.stdin.on('error', () => undefined)
    child.on('error', (e) => (this.ended = e))
    child.on('close', () => {
      const why = this.#complaints.trim().split('\n').at(-1)
      this.ended ??= new Error(`QEMU ended: ${why}`)
      for (const { reject } of this.#waiting.values()) reject(this.ended)
      this.#waiting.clear()
    })
  }

  run(execute, args = {}) {
    if (this.ended !== undefined) return Promise.reject(this.ended)
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.child.stdin.write(`${JSON.stringify({ execute, id, arguments: args })}\n`)
    })
  }

  /** The whole stream of the machine as it stands. */
  async stream() {
    const file = join(this.folder, 'stream')
    await this.run('migrate-set-parameters', { 'max-bandwidth': 2 ** 33 })
    await this.run('migrate', { uri: `exec:cat > ${file}` })
    for (;;) {
      const { status, 'error-desc': why } = await this.run('query-migrate')
      if (status === 'completed') return readFileSync(file)
      if (status === 'failed') throw new Error(`saving failed: ${why ?? this.#complaints.trim()}`)
      await new Promise((r) => setTimeout(r, 20))
    }
  }

  /** Types of all objects of the machine, by path. */
  async objects(path = '/machine', found = {}) {
    for (const { name, type } of await this.run('qom-list', { path })) {
      const child = /^child<(.*)>$/.exec(type)?.[1]
      if (child === undefined || /^(qemu:memory-region|irq|container|memory-region)$/.test(child)) {
        if (child === 'container') await this.objects(`${path}/${name}`, found)
        continue
      }
      found[`${path}/${name}`] = child
      await this.objects(`${path}/${name}`, found)
    }
    return found
  }

  #take(chunk) {
    this.#text += chunk
    const lines = this.#text.split('\n')
    this.#text = lines.pop()
    for (const line of lines) {
      if (line.trim() === '') continue
      const message = JSON.parse(line)
      if (message.id === undefined) continue
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.error !== undefined) waiting?.reject(new Error(message.error.desc))
      else waiting?.resolve(message.return)
    }
  }
}
