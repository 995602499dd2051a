/** What V8 is told before it compiles anything for a guest. Only here: a library does not change its process. */
import { setFlagsFromString } from 'node:v8'
import type { Worker } from 'node:worker_threads'

/** Versions that know branch hints and do not heed them unless told; from 14 on they do. */
const HINTS_ASKED = { from: 11, before: 14 }

/** Versions whose hasty allocator of registers is known to cost more than it saves. They complain of flags they do not know. */
const HASTY = 11

/** MiB of JavaScript's heap at which V8 first looks for what is garbage; left alone it waits for a quarter of a gigabyte. */
const FIRST_COLLECTION = 64

/**
 * Bytecode of callees that V8 puts into a function which it optimises, and what it would take if left alone. Most of what runs
 * long is WebAssembly; JavaScript is better ready soon than perfect late, for the same few threads optimise both.
 */
const INLINED = { wanted: 200, usual: 920 }

const inline = (bytes: number): void => setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${bytes}`)

const major = Number.parseInt(process.versions.v8, 10)
const hintsAsked = major >= HINTS_ASKED.from && major < HINTS_ASKED.before

/**
 * Hints keep what is unlikely (a miss of the TLB, a fault) out of the way of registers: up to a third faster. Checks of the
 * stack at every loop cost another 5 to 10 per cent, and compiled guest code neither recurses nor runs for long.
 *
 * V8 has the modules of Node compiled beforehand, for processes whose flags are what they were then: a thread is told once
 * it has loaded them.
 */
export function tuneEngine(): void {
  if (hintsAsked) setFlagsFromString('--experimental-wasm-branch-hinting')
  // It keeps what every turn of the interpreter's loop needs in memory: the loop is too large a function for the good one.
  if (major === HASTY) setFlagsFromString('--no-turbo-use-mid-tier-regalloc-for-huge-functions')
  setFlagsFromString('--no-wasm-stack-checks')
  inline(INLINED.wanted)
}

/** Does something with V8's flags as they were. */
export function untuned(work: () => void): void {
  if (hintsAsked) setFlagsFromString('--no-experimental-wasm-branch-hinting')
  if (major === HASTY) setFlagsFromString('--turbo-use-mid-tier-regalloc-for-huge-functions')
  setFlagsFromString('--wasm-stack-checks')
  inline(INLINED.usual)
  work()
}

/** Longest wait for a thread to make its heap: whatever comes late costs time, and nothing else. */
const PATIENCE_MS = 20

/** Starts a thread whose heap is looked through early. A heap is told when it is made, and nothing later than that. */
export function withEarlyCollections(start: () => Worker): Worker {
  setFlagsFromString(`--initial-old-space-size=${FIRST_COLLECTION}`)
  try {
    const worker = start()
    // a thread says what its heap may be, and makes it
    for (let waited = 0; worker.resourceLimits?.maxOldGenerationSizeMb === -1 && waited < PATIENCE_MS; waited++)
      sleep(1)
    sleep(1)
    return worker
  } finally {
    setFlagsFromString('--initial-old-space-size=0')
  }
}

const sleep = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
