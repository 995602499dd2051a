import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** By how much the threads of a process that called stepBack are nicer than its first: that one, those there were, a new one. */
const SCRIPT = `
import { readdirSync } from 'node:fs'
import { getPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { stepBack } from ${JSON.stringify(new URL('./v8-threads.ts', import.meta.url).href)}
const threads = () => readdirSync('/proc/self/task').map(Number).filter((id) => id !== process.pid)
const before = threads()
stepBack()
new Worker('setInterval(() => {}, 1000)', { eval: true }).on('online', () => {
  const added = threads().filter((id) => !before.includes(id))
  const nice = (ids) => [...new Set(ids.map((id) => getPriority(id) - getPriority()))]
  console.log(JSON.stringify([nice([process.pid]), nice(before), nice(added)]))
  process.exit()
})`

test.runIf(process.platform === 'linux')(
  'V8 has less of a claim to processors than the program and its later threads',
  () => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', SCRIPT]
    expect(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))).toEqual([[0], [10], [0]])
  },
)
