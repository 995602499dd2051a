import { expect, test } from 'vitest'
import { differenceOf, lockstep, type Lane } from '../../bench/lockstep.mjs'
import { buildTinyGuest } from '../../guests/tiny.mjs'
import { createMachine, type Machine } from '../../packages/machines/src/index.ts'
import { loadBytes, saveBytes } from '../../packages/vmstate/src/index.ts'

const INSTRUCTIONS = 150
const EVERY = 50
const codec = { loadBytes, saveBytes }

const tiny = (): Machine =>
  createMachine({ type: 'pc-i440fx-5.2', memoryBytes: 2 << 20, bios: new Uint8Array(buildTinyGuest()), time: {} })

const straight = (): Lane => {
  const machine = tiny()
  return { machine, runFor: (n) => machine.runFor(n) }
}

/** Does something to the machine once its count of instructions is there; `fresh` only if it was never copied. */
function spoiled(when: number, spoil: (machine: Machine) => void, fresh = false) {
  return (at: number): Lane => {
    const machine = tiny()
    let done = at
    const runFor = (n: number): number => {
      const before = fresh && at > 0 ? -1 : when - done
      let ran = before > 0 && before <= n ? machine.runFor(before) : 0
      if (before > 0 && before <= n) spoil(machine)
      if (ran < n) ran += machine.runFor(n - ran)
      done += ran
      return ran
    }
    return { machine, runFor }
  }
}

const flipMemory = (machine: Machine): void => {
  const block = machine.ramBlocks.find((b) => b.name === 'pc.ram')!
  block.write(0x6_0123, Uint8Array.of(block.bytes[0x6_0123]! ^ 0x10))
}

test('two equal machines are equal as far as they were asked to go', () => {
  expect(lockstep({ make: [straight, straight], every: EVERY, until: INSTRUCTIONS, codec })).toEqual({
    at: INSTRUCTIONS,
  })
})

test('a register that is flipped is found at the instruction, and the last equal state can be had again', () => {
  const flip = (machine: Machine): void => {
    machine.processor.state.setGpr(1, machine.processor.state.gpr(1) ^ 4n)
    machine.processor.afterLoad()
  }
  const found = lockstep({ make: [straight, spoiled(123, flip)], every: EVERY, until: INSTRUCTIONS, codec })
  expect(found).toMatchObject({ at: 123, equalAt: 100, how: 'copy', difference: { pages: 0 } })
  expect(found.difference!.sections).toEqual(['cpu/0'])
  const [a, b] = found.lanes!
  expect(a.machine.processor.state.gpr(1) ^ b.machine.processor.state.gpr(1)).toBe(4n)
  const before = found.back!(1)
  before.runFor(1)
  expect(differenceOf(before.machine, a.machine, codec)).toBeUndefined()
})

test('a byte of memory that is flipped is told with its place', () => {
  const { at, difference } = lockstep({
    make: [straight, spoiled(33, flipMemory)],
    every: EVERY,
    until: INSTRUCTIONS,
    codec,
  })
  expect(at).toBe(33)
  expect(difference).toMatchObject({ sections: [], pages: 1 })
  expect(difference!.bytes).toHaveLength(1)
  expect(difference!.bytes[0]).toMatchObject({ block: 'pc.ram', offset: 0x6_0123 })
})

test('a fault that a copied machine does not show is found by running from the start', () => {
  const found = lockstep({ make: [straight, spoiled(78, flipMemory, true)], every: EVERY, until: INSTRUCTIONS, codec })
  expect(found).toMatchObject({ at: 78, how: 'replay' })
})
