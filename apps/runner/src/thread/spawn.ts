import { Worker, type TransferListItem } from 'node:worker_threads'
import type { Start } from './messages.ts'
import { withEarlyCollections } from '../engine-flags.ts'
import { threadFile } from './thread-file.ts'

let waiting: Worker | undefined

/**
 * A thread begins to load what a machine needs, so that this one can go on with its own beginning meanwhile.
 * @param whole its program, if that is known already
 */
export function prepareThread(whole?: URL): void {
  waiting ??= open(whole)
}

/** The thread that was prepared, for whoever has a machine for it. */
export function takeThread(): Worker | undefined {
  const worker = waiting
  waiting = undefined
  return worker
}

/** A thread that was prepared elsewhere. */
export function giveThread(worker: Worker): void {
  waiting = worker
}

/** There will be no machine on a thread of its own. */
export function forgetThread(): void {
  void waiting?.terminate()
  waiting = undefined
}

/** A thread that runs machine-thread. */
export function spawnThread(start: Start, move: readonly TransferListItem[]): Worker {
  const worker = takeThread() ?? open()
  worker.postMessage(start, move)
  return worker
}

function open(whole?: URL): Worker {
  return withEarlyCollections(() => {
    if (whole !== undefined) return new Worker(whole)
    if (!import.meta.url.endsWith('.ts')) return new Worker(threadFile(new URL('../', import.meta.url)))
    // from the sources: a thread does not inherit what turns TypeScript into JavaScript
    const file = new URL('./machine-thread.ts', import.meta.url)
    const code = `import('tsx/esm/api').then((tsx) => (tsx.register(), import(${JSON.stringify(file.href)})))`
    return new Worker(code, { eval: true, execArgv: ['--conditions=@godwit/source'] })
  })
}
