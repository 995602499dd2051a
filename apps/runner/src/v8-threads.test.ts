import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
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
  const nice = (ids) => ids.map((id) => getPriority(id) - getPriority())
  console.log(JSON.stringify([nice([process.pid]), nice(before), [...new Set(nice(added))]]))
  process.exit()
})`

test.runIf(process.platform === 'linux')(
  'V8 has less of a claim to processors than the program and its later threads',
  () => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', SCRIPT]
    const [first, before, added] = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as number[][]
    expect([first, added]).toEqual([[0], [0]])
    const count = (n: number): number => before!.filter((nice) => nice === n).length
    const surplus = Math.max(4 - Math.max(availableParallelism() - 1, 1), 0)
    expect([count(10), count(19)]).toEqual([before!.length - surplus, surplus])
  },
)
