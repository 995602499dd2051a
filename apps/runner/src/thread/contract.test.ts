import { described, loaded, saved } from '@godwit/migration-net'
import { PartialReader } from '@godwit/vmstate'
import { afterEach, describe, expect, test } from 'vitest'
import {
  ECHO,
  SCRIBBLE,
  listen,
  onItsOwn,
  onThisThread,
  say,
  until,
  type Build,
  type TestedMachine,
} from './testing.ts'

const built: TestedMachine[] = []
afterEach(async () => {
  for (const machine of built.splice(0)) {
    machine.pause()
    await machine.close?.()
  }
})

describe.each([
  ['on this thread', onThisThread],
  ['on a thread of its own', onItsOwn],
])('a machine %s', (_, build) => {
  const make: Build = async (code, more) => {
    const machine = await build(code, more)
    built.push(machine)
    return machine
  }
  const ramOf = (machine: TestedMachine) => machine.ramBlocks.find((b) => b.name === 'pc.ram')!

  test('is heard on its serial port, and stops itself by the exit port', async () => {
    const machine = await make([...say('godwit'), 0xb8, 0x15, 0x00, 0xba, 0x01, 0x05, 0xef, 0xf4]) // 21 to port 0x501
    const char = listen(machine)
    const ends: [string, number, string][] = []
    machine.events.onShutdown = (cause, status) => ends.push([cause, status, char.text()])
    expect([machine.running, machine.runState]).toEqual([false, 'prelaunch'])
    machine.start()
    expect([machine.running, machine.runState]).toEqual([true, 'running'])
    await until(() => ends.length > 0)
    // what was said before comes before
    expect(ends).toEqual([['guest-shutdown', 43, 'godwit']])
    expect([machine.running, machine.runState]).toEqual([false, 'shutdown'])
    machine.start()
    expect(machine.running).toBe(false)
  })

  test('stands still while it is stopped, though its guest has interrupts off', async () => {
    const machine = await make(SCRIBBLE)
    const { bytes } = ramOf(machine)
    const count = (): number => bytes[0x1_0000]! | (bytes[0x1_0001]! << 8)
    machine.start()
    await until(() => count() > 0)
    machine.stop()
    expect([machine.running, machine.runState]).toEqual([false, 'paused'])
    const before = [count(), machine.time.virtual.now()]
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([count(), machine.time.virtual.now()]).toEqual(before)
    machine.start()
    await until(() => count() !== before[0])
  })

  test('that has shut down before it is asked to stop has shut down', async () => {
    const machine = await make([0xfe, 0x06, 0x00, 0x05, 0xb8, 0x15, 0x00, 0xba, 0x01, 0x05, 0xef, 0xf4])
    const ends: string[] = []
    machine.events.onShutdown = (cause) => ends.push(cause)
    machine.start()
    // the guest may go on meanwhile, this thread not
    for (const end = Date.now() + 500; Date.now() < end;);
    machine.stop()
    if (ramOf(machine).bytes[0x500] === 0) return
    expect([ends, machine.running, machine.runState]).toEqual([['guest-shutdown'], false, 'shutdown'])
  })

  test('takes what is typed, in order, however much there is', async () => {
    const machine = await make(ECHO)
    const char = listen(machine)
    machine.start()
    const typed = Array.from({ length: 6000 }, (_, i) => 0x21 + (i % 90))
    let at = 0
    const type = (): void => {
      for (;;) {
        const taken = char.onData!(Uint8Array.from(typed.slice(at, at + 1000)))
        at += taken
        if (taken === 0 || at === typed.length) return
      }
    }
    char.ready = type
    type()
    await until(() => char.text().length === typed.length)
    expect(char.text()).toBe(String.fromCharCode(...typed))
  })

  test('tells whose reset it was', async () => {
    const again = await make([0xb0, 0x01, 0xe6, 0x92, 0xf4]) // port 0x92
    const resets: boolean[] = []
    again.events.onReset = (byGuest) => resets.push(byGuest)
    again.start()
    await until(() => resets.length > 2)
    again.stop()
    expect(new Set(resets)).toEqual(new Set([true]))
    resets.length = 0
    again.reset()
    expect(resets).toEqual([false])
  })

  test('brings what firmware says for its developers', async () => {
    const machine = await make([0xba, 0x02, 0x04, 0xb0, 0x47, 0xee, 0xf4]) // 'G' to port 0x402
    const said: number[] = []
    machine.events.onDebugByte = (byte) => said.push(byte)
    machine.start()
    await until(() => said.length > 0)
    expect(said).toEqual([0x47])
  })

  test('logs the pages that are written after the log was collected, and no others', async () => {
    const machine = await make(SCRIBBLE)
    const { dirty } = ramOf(machine)
    const all = Array.from({ length: 128 }, (_, i) => 16 + i)
    machine.start()
    dirty.start(false)
    // each page again: the rights to write were given up
    for (let i = 0; i < 3; i++) {
      await until(() => dirty.dirtyPages === 128)
      expect([...dirty.collect()]).toEqual(all)
    }
    await until(() => dirty.dirtyPages === 128)
    machine.stop()
    expect([...dirty.collect()]).toEqual(all)
    expect([[...dirty.collect()], dirty.dirtyPages]).toEqual([[], 0])
    dirty.start(true)
    expect(dirty.collect()).toHaveLength((16 << 20) / 4096)
    dirty.stop()
    expect(dirty.dirtyPages).toBe(0)
  })

  test('is the same machine, instruction by instruction, if time counts instructions', async () => {
    const machine = await make(SCRIBBLE, { time: {} })
    const other = await onThisThread(SCRIBBLE, { time: {} })
    for (const count of [1, 1000, 300_000]) {
      expect(machine.runFor(count)).toBe(other.runFor(count))
      expect(machine.digest()).toBe(other.digest())
    }
    expect(machine.sections.map(saved)).toEqual(other.sections.map(saved))
    expect(machine.sections.map(described)).toEqual(other.sections.map(described))
    expect(machine.processor.stats().instructions).toBe(301_001)
  })

  test('takes the state and the memory of another', async () => {
    const source = await onThisThread(SCRIBBLE, { time: {} })
    source.runFor(50_000)
    const machine = await make(SCRIBBLE, { time: {}, incoming: true })
    source.ramBlocks.forEach((block, i) => {
      machine.ramBlocks[i]!.usedSize = block.usedSize
      machine.ramBlocks[i]!.write(0, block.bytes)
    })
    source.sections.forEach((section, i) => {
      const bytes = saved(section)
      const reader = new PartialReader(Uint8Array.of(1, 2, ...bytes, 3), 100)
      reader.skip(2)
      loaded(machine.sections[i]!, reader, section.version)
      expect(reader.at).toBe(2 + bytes.length)
    })
    for (const section of machine.sections) section.afterLoad?.(section.version)
    expect(machine.digest()).toBe(source.digest())
    source.runFor(50_000)
    machine.runFor(50_000)
    expect(machine.digest()).toBe(source.digest())
  })

  test('refuses a state that is none in the words of its description, and is as before', async () => {
    const machine = await make(SCRIBBLE, { time: {}, incoming: true })
    const before = machine.digest()
    const i = machine.sections.findIndex((s) => s.idstr === 'timer')
    const load = (bytes: number[]) => () =>
      loaded(machine.sections[i]!, new PartialReader(Uint8Array.from(bytes), 7), 2)
    const late = Array.from({ length: 25 }, (_, at) => (at === 16 ? 0x80 : 0))
    expect(load(late)).toThrow(/^timer\/ at offset 31: .*cpu_clock_offset of 0 to/)
    expect(load(late.slice(0, 20))).toThrow(
      expect.objectContaining({ name: 'VMStateError', code: 'end-of-bytes', offset: 23, wanted: 8 }),
    )
    expect(machine.digest()).toBe(before)
  })

  test('carries the run state, and explains what it has not got', async () => {
    const machine = await make(SCRIBBLE)
    expect(machine.carriedRunState).toBeUndefined()
    machine.carriedRunState = 'paused'
    expect(machine.carriedRunState).toBe('paused')
    expect(machine.explain!('0000:00:03.0/e1000')).toBe((await onThisThread([])).explain!('0000:00:03.0/e1000'))
  })

  test('never runs again once it is spoiled', async () => {
    const machine = await make(SCRIBBLE)
    machine.start()
    machine.spoil!('half of it came')
    expect(machine.running).toBe(false)
    expect(machine.spoiled).toContain('half of it came')
    expect(() => machine.resume()).toThrow(machine.spoiled)
    expect(() => machine.reset()).toThrow(machine.spoiled)
  })

  test.each([
    ['OptionError', { props: { hpet: 'perhaps' } }],
    ['UnknownMachine', { type: 'pc-i440fx-99' }],
    ['RangeError', { cpu: 'qemu65' }],
    ['BootError', { bios: new Uint8Array(1000) }],
  ] as const)('is not built if that is a %s, which keeps its name', async (name, wrong) => {
    const why = await onThisThread([], wrong).catch((thrown: unknown) => thrown)
    expect(why).toBeInstanceOf(Error)
    await expect(make([], wrong)).rejects.toMatchObject({ name, message: (why as Error).message })
  })
})
