/** Guests whose damaged state was accepted, executed for a while: whatever they do, the host goes on. */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stream } from '../fixtures.ts'
import { load, newMachine, runOn, watch, type Shape } from './bench.ts'
import { draftOfRecorded, epochOf, type Recorded } from './campaign.ts'
import type { Draft } from './draft.ts'
import { mutantOf } from './mutant.ts'
import type { Machine } from './product.ts'

const PAGE = 4096

/** RAM of the whole guest: for Linux from the recordings outside the repository, or none. */
async function memoryOf(recorded: Recorded, shape: Shape): Promise<Map<string, Uint8Array>> {
  const captures = join(process.env['GODWIT_CACHE'] ?? join(homedir(), '.cache', 'godwit'), 'captures')
  const file = join(captures, recorded.name)
  const inArchive = recorded.archive === 'reference'
  if (!inArchive && !existsSync(file)) return new Map()
  const machine = newMachine(shape)
  const bytes = inArchive ? stream(recorded.archive, recorded.name) : readFileSync(file)
  const loaded = await load(machine, bytes, 1 << 20)
  if (!loaded.ok) throw loaded.error
  return new Map(machine.ramBlocks.map((b) => [b.name, new Uint8Array(b.bytes)]))
}

function fill(machine: Machine, memory: ReadonlyMap<string, Uint8Array>): void {
  for (const block of machine.ramBlocks) {
    const bytes = memory.get(block.name)
    if (bytes === undefined) continue
    block.bytes.set(bytes)
    block.touched(0, Math.floor(bytes.length / PAGE) * PAGE)
  }
}

export interface RunOn {
  readonly ran: number
  readonly bugs: readonly { readonly seed: number; readonly deeds: readonly string[]; readonly what: string }[]
}

/** @param seeds of mutants that were accepted */
export async function runOnAll(
  recorded: Recorded,
  donors: readonly Draft[],
  seeds: readonly number[],
  instructions: number,
): Promise<RunOn> {
  const original = draftOfRecorded(recorded)
  const shape = { ...recorded.shape, epochNs: epochOf(original) }
  const memory = await memoryOf(recorded, shape)
  const bugs: RunOn['bugs'][number][] = []
  for (const seed of seeds) {
    const mutant = mutantOf(seed, original, donors)
    const machine = newMachine(shape)
    fill(machine, memory)
    const work = watch(machine)
    const loaded = await load(machine, mutant.bytes, mutant.bytes.length)
    if (!loaded.ok) throw loaded.error
    const what = runOn(machine, work, instructions)
    if (what !== undefined) bugs.push({ seed, deeds: mutant.deeds, what })
  }
  return { ran: seeds.length, bugs }
}
