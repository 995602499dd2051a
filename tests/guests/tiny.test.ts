import { expect, test } from 'vitest'
import { buildTinyGuest, tinyChain } from '../../guests/tiny.mjs'
import { createMachine } from '../../packages/machines/src/index.ts'
import { TickWatch } from '../../scripts/ticks.mjs'

function tiny() {
  const machine = createMachine({
    type: 'pc-i440fx-5.2',
    memoryBytes: 16 << 20,
    bios: new Uint8Array(buildTinyGuest()),
    time: {},
  })
  let text = ''
  machine.connectSerial({
    write: (data) => void (text += Buffer.from(data).toString('latin1')),
    onData: undefined,
    ready: () => undefined,
  })
  return { machine, text: () => text }
}

function run(guest: ReturnType<typeof tiny>, ticks: number, watch = new TickWatch(tinyChain())): TickWatch {
  let read = guest.text().length
  while (watch.last < ticks) {
    expect(guest.machine.runFor(5_000_000)).toBe(5_000_000)
    watch.feed(guest.text().slice(read))
    read = guest.text().length
  }
  return watch
}

test('the tiny guest prints the ticks and checksums that its rule foretells, and nothing else', () => {
  const guest = tiny()
  const watch = run(guest, 20)
  expect(watch.faults).toEqual([])
  expect(guest.text()).toMatch(/^(@@TICK \d+ [0-9a-f]{8}\r\n)+/)
  expect(buildTinyGuest()).toHaveLength(65536)
})

test('a bit that changes in the memory of the tiny guest is noticed, at every tick from then on', () => {
  const guest = tiny()
  const watch = run(guest, 3)
  const ram = guest.machine.ramBlocks.find((b) => b.name === 'pc.ram')!
  ram.write(0x1c000, Uint8Array.of(ram.bytes[0x1c000]! ^ 1))
  run(guest, 6, watch)
  expect(watch.faults).toHaveLength(watch.last - 3)
  expect(watch.faults[0]).toMatch(/^tick 4: checksum [0-9a-f]{8}, expected [0-9a-f]{8}$/)
})
