import { Worker, type TransferListItem } from 'node:worker_threads'
import type { Start } from './messages.ts'

/** A thread that runs machine-thread. */
export function spawnThread(start: Start, move: readonly TransferListItem[]): Worker {
  const options = { workerData: start, transferList: [...move] }
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./machine-thread.js', import.meta.url), options)
  // from the sources: a thread does not inherit what turns TypeScript into JavaScript
  const file = new URL('./machine-thread.ts', import.meta.url)
  const code = `import('tsx/esm/api').then((tsx) => (tsx.register(), import(${JSON.stringify(file.href)})))`
  return new Worker(code, { ...options, eval: true, execArgv: ['--conditions=@godwit/source'] })
}
