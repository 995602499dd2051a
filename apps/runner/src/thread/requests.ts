/** What the owner of a machine may ask of the thread that it lives on. Each request is done between two slices. */
import type { Machine } from '@godwit/machines'
import { described, loaded, saved } from '@godwit/migration-net'
import { PartialReader } from '@godwit/vmstate'

/** A block, and which part of it was changed. */
export type Touched = readonly [block: number, offset: number, length: number]

export type Requests = ReturnType<typeof requestsOf>

export function requestsOf(machine: Machine) {
  const block = (index: number): Machine['ramBlocks'][number] => machine.ramBlocks[index]!
  const section = (index: number): Machine['sections'][number] => machine.sections[index]!
  return {
    resume: () => machine.resume(),
    pause: () => machine.pause(),
    reset: () => machine.reset(false),
    powerButton: () => machine.powerButton(),
    spoil(reason: string) {
      machine.spoil(reason)
      return machine.spoiled
    },
    explain: (name: string) => machine.explain(name),
    carriedRunState: () => machine.carriedRunState,
    carry: (name: string | undefined) => void (machine.carriedRunState = name),

    startLog: (index: number, allDirty: boolean) => block(index).dirty.start(allDirty),
    stopLog: (index: number) => block(index).dirty.stop(),
    // rights to write are dropped and the log is cleared before the owner reads a page
    collect: (index: number) => ({ pages: block(index).dirty.collect(), usedSize: block(index).usedSize }),
    resize: (index: number, bytes: number) => void (block(index).usedSize = bytes),
    touched(ranges: readonly Touched[]) {
      for (const [index, offset, length] of ranges) block(index).touched(offset, length)
    },

    save: (index: number) => saved(section(index)),
    describe: (index: number) => described(section(index)),
    /** Returns how many of the bytes were the section's. */
    load(index: number, bytes: Uint8Array, offset: number, version: number) {
      const reader = new PartialReader(bytes, offset)
      loaded(section(index), reader, version)
      return reader.at
    },
    afterLoad: (index: number, version: number) => section(index).afterLoad?.(version),

    stats: () => machine.processor.stats(),
    profile: () => machine.processor.profile(),
    compiled: () => machine.processor.compiled(),
    now: () => machine.time.virtual.now(),
    digest: () => machine.digest(),
    runFor: (instructions: number) => machine.runFor(instructions),
  }
}
