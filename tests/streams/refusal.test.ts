/** Guests of machines with devices that are not modelled here are refused with the list of them, and nothing else happens. */
import { expect, test } from 'vitest'
import { createMachine, type Machine } from '../../packages/machines/src/index.ts'
import {
  IncomingMigration,
  memoryChannels,
  type Channel,
  type IncomingResult,
  type MigrationError,
} from '../../packages/migration-net/src/index.ts'
import { readWhole, StreamWriter, type StreamItem } from '../../packages/vmstate/src/index.ts'
import { stream, streamNames } from './fixtures.ts'

const MIB = 2 ** 20
const machineOf = (props: Readonly<Record<string, string>> = {}, cpu = 'qemu64', mib = 128): Machine =>
  createMachine({ type: 'pc-i440fx-5.2', cpu, memoryBytes: mib * MIB, incoming: true, time: {}, props })

const PIECE = 100_000

/** A socket tells the source at once; a file is read to its end. */
async function take(machine: Machine, bytes: Uint8Array, from: 'socket' | 'file'): Promise<IncomingResult> {
  const [source, end] = memoryChannels({ highWaterBytes: Infinity })
  for (let at = 0; at < bytes.length; at += PIECE) await source.send(bytes.subarray(at, at + PIECE))
  await source.close()
  const channel: Channel = {
    name: from,
    duplex: from === 'socket',
    send: (data) => end.send(data),
    receive: () => end.receive(),
    close: () => end.close(),
    abort: (reason) => end.abort(reason),
  }
  return new IncomingMigration({ machine, channel, autostart: true }).run()
}

async function refused(machine: Machine, bytes: Uint8Array, from: 'socket' | 'file'): Promise<MigrationError> {
  const result = await take(machine, bytes, from)
  if (result.outcome !== 'failed') throw new Error('it was accepted')
  return result.error
}

/** The names in a refusal: those lacking, without the words behind them. */
function lacking(error: MigrationError): { blocks: string[]; sections: string[] } {
  const [list] = error.message.replace(/ \([^)]*\)/g, '').split('; it has ')
  const names = (what: RegExp): string[] => (what.exec(list!)?.[1] ?? '').split(', ').filter((n) => n !== '')
  return { blocks: names(/no RAM blocks? (.*?)(?:, no section|$)/), sections: names(/no sections? (.*)$/) }
}

/** What a stream has and the machine has not, taken from the whole stream. */
function truly(machine: Machine, items: readonly StreamItem[]): { blocks: string[]; sections: string[] } {
  const blocks = items.flatMap((i) => (i.kind === 'ramBlockList' ? i.blocks.map((b) => b.name) : []))
  const sections = items.flatMap((i) => (i.kind === 'device' ? [`${i.idstr}/${i.instance}`] : []))
  return {
    blocks: blocks.filter((name) => !machine.ramBlocks.some((b) => b.name === name)),
    sections: sections.filter((path) => !machine.sections.some((s) => `${s.idstr}/${s.instance}` === path)),
  }
}

const larger = streamNames('reference').filter((n) => /^i440fx-(vga|full)-/.test(n))

test('machines with more devices were recorded by four releases', () => {
  expect(larger).toHaveLength(8)
})

test.each(larger)('%s: from a file, all that is lacking is named, and the machine is as it was', async (name) => {
  const bytes = stream('reference', name)
  const machine = machineOf()
  const before = machine.digest()
  const error = await refused(machine, bytes, 'file')
  expect(error.code).toBe('unknown-section')
  expect(lacking(error)).toEqual(truly(machine, readWhole(bytes)))
  expect(error.message).toContain('0000:00:02.0/vga/0 (a VGA card: run the source with -vga none)')
  expect(machine.digest()).toBe(before)
  expect(machine.spoiled).toBeUndefined()
})

test.each(larger)('%s: over a socket, it is refused at the block list, while the source still runs', async (name) => {
  const bytes = stream('reference', name)
  const machine = machineOf()
  const items = readWhole(bytes)
  const error = await refused(machine, bytes, 'socket')
  expect(lacking(error)).toEqual({ ...truly(machine, items), sections: [] })
  expect(error.offset).toBe(items.find((i) => i.kind === 'ramBlockList')!.offset)
  expect(machine.spoiled).toBeUndefined()
  const again = await take(machine, stream('reference', 'i440fx-base-bios-11.1.mig'), 'socket')
  expect(again.outcome).toBe('completed')
})

test.each(streamNames('reference').filter((n) => n.startsWith('q35-')))(
  '%s: another board is refused by its name',
  async (name) => {
    const error = await refused(machineOf(), stream('reference', name), 'file')
    expect(error.code).toBe('machine-type')
    expect(error.message).toMatch(/the source's machine type is pc-q35-5.2, ours is pc-i440fx-5.2/)
  },
)

const NAKED = { hpet: 'off', vmport: 'off', acpi: 'off', smm: 'off' }

/** The larger machine's stream for a machine that has its memory and not its devices. */
function withBlocksOf(machine: Machine, name: string): Uint8Array {
  const w = new StreamWriter()
  const has = (block: string): boolean => machine.ramBlocks.some((b) => b.name === block)
  let pages = 0
  for (const item of readWhole(stream('reference', name))) {
    if (item.kind === 'ramBlockList') w.ramBlockList(item.blocks.filter((b) => has(b.name)))
    else if (item.kind === 'ramPage' || item.kind === 'ramZero') {
      if (!has(item.block) || pages++ % 500 !== 0) continue
      const { block, pageOffset } = item
      if (item.kind === 'ramPage') w.ramPage({ block, pageOffset }, item.data)
      else w.ramZero({ block, pageOffset })
    } else w.write(item)
  }
  return w.take()
}

test.each(['socket', 'file'] as const)(
  'from a %s, sections that are lacking are all named though their lengths are not known',
  async (from) => {
    for (const release of ['5.2', '7.2', '10.0', '11.1']) {
      const machine = machineOf(NAKED)
      const bytes = withBlocksOf(machine, `i440fx-full-bios-${release}.mig`)
      const error = await refused(machine, bytes, from)
      const { sections } = truly(machine, readWhole(bytes))
      expect(sections.length).toBeGreaterThan(7)
      expect(lacking(error)).toEqual({ blocks: [], sections })
      const first = readWhole(bytes).find((i) => i.kind === 'device' && `${i.idstr}/${i.instance}` === sections[0])!
      expect(error.offset).toBe(first.offset)
    }
  },
)

test('a machine that took part of a guest is of no more use and says why', async () => {
  const machine = machineOf()
  const whole = stream('reference', 'i440fx-base-bios-11.1.mig')
  const error = await refused(machine, whole.subarray(0, whole.length - 120_000), 'file')
  expect(error.code).toBe('torn')
  const reason = /this machine took part of a failed incoming migration; build a new one \(migration destination/
  expect(machine.spoiled).toMatch(reason)
  expect(() => machine.runFor(1)).toThrow(reason)
  expect(() => machine.start()).toThrow(reason)
  expect(() => machine.reset()).toThrow(reason)
  expect((await refused(machine, whole, 'file')).message).toMatch(reason)
})

/** A stream with other bytes in one section. */
function patched(bytes: Uint8Array, idstr: string, patch: (payload: DataView) => void): Uint8Array {
  const copy = new Uint8Array(bytes)
  const item = readWhole(bytes).find((i) => i.kind === 'device' && i.idstr === idstr)
  if (item?.kind !== 'device') throw new Error(`no ${idstr}`)
  patch(new DataView(copy.buffer, item.payloadOffset, item.payload.length))
  return copy
}

const offsetOf = (bytes: Uint8Array, field: string): number => {
  const item = readWhole(bytes).find((i) => i.kind === 'device' && i.idstr === 'cpu')
  if (item?.kind !== 'device') throw new Error('no cpu')
  return item.value.fields.find((f) => f.name === field)!.offset - item.payloadOffset
}

test('a guest of another amount of memory is refused with both figures', async () => {
  const machine = machineOf({}, 'qemu64', 64)
  const error = await refused(machine, stream('reference', 'i440fx-base-bios-11.1.mig'), 'socket')
  expect(error.message).toContain('pc.ram: 134217728 bytes at the source, 67108864 here')
  expect(machine.spoiled).toBeUndefined()
})

test.each([
  ['env.cr[4]', 0x10000n, 'qemu64', /cpu\/0: CR4.FSGSBASE is set: .* "fsgsbase", which qemu64 here has not/],
  ['env.efer', 0x100n, 'pentium3', /cpu\/0: EFER.LME is set: .* "lm", which pentium3 here has not/],
] as const)('a guest whose %s needs another processor is refused', async (field, bit, cpu, message) => {
  const whole = stream('reference', 'i440fx-base-bios-11.1.mig')
  const at = offsetOf(whole, field)
  const bytes = patched(whole, 'cpu', (v) => v.setBigUint64(at, v.getBigUint64(at) | bit))
  const error = await refused(machineOf({}, cpu), bytes, 'file')
  expect(error.message).toMatch(message)
  expect(error.code).toBe('device')
  expect((await take(machineOf({}, cpu), whole, 'file')).outcome).toBe('completed')
})
