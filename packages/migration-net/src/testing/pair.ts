/** A guest that runs and writes, and a migration of it between two ends in memory. */
import { PAGE_SIZE } from '@godwit/memory'
import type { Channel } from '../channel.ts'
import { memoryChannels, type MemoryChannelOptions } from '../channels/memory.ts'
import { IncomingMigration, type IncomingOptions } from '../destination.ts'
import { defaultParameters } from '../parameters.ts'
import type { MigrationStatus } from '../protocol.ts'
import { OutgoingMigration, type OutgoingOptions } from '../source.ts'
import { FakeMachine, type FakeOptions } from './fake-machine.ts'
import { FakePace } from './pace.ts'

/** Memory, tables and chips hold something, and each slice writes to one of five pages. */
export function busyMachine(options: FakeOptions = {}): FakeMachine {
  const machine = new FakeMachine(options)
  for (let page = 0; page < 40; page++) machine.poke(page * 3, page + 1)
  machine.tables.usedSize = 3 * PAGE_SIZE
  machine.tables.write(0, Uint8Array.of(1, 2, 3))
  machine.chips.forEach((chip, i) => {
    chip.counter = 100 + i
    chip.data.fill(i + 1)
    chip.extra = i
  })
  machine.slice = (m) => m.poke(Number(m.clock.ticks) % 5, Number(m.clock.ticks))
  machine.start()
  return machine
}

export interface PairSetup {
  readonly source?: FakeMachine
  readonly target?: FakeMachine
  readonly out?: Partial<OutgoingOptions>
  readonly in?: Partial<IncomingOptions>
  readonly channel?: MemoryChannelOptions
  readonly wrap?: (end: Channel) => Channel
}

/** Both sides on one clock; each turn is a slice of the guest. */
export function pair(setup: PairSetup = {}) {
  const source = setup.source ?? busyMachine({ chips: 2 })
  const target = setup.target ?? new FakeMachine({ chips: 2 })
  const [plain, b] = memoryChannels(setup.channel)
  const a = setup.wrap?.(plain) ?? plain
  const pace = new FakePace()
  pace.onTurn = () => source.step()
  const statuses: MigrationStatus[] = []
  const outgoing = new OutgoingMigration({
    machine: source,
    channel: a,
    pace,
    onStatus: (s) => statuses.push(s),
    ...setup.out,
  })
  const parameters = { ...defaultParameters(), idleTimeoutMs: 0 }
  const incoming = new IncomingMigration({
    machine: target,
    channel: b,
    autostart: true,
    pace,
    parameters,
    ...setup.in,
  })
  return { source, target, a, b, pace, statuses, outgoing, incoming }
}

/** The stream of a machine that is sent to where nobody answers. */
export async function streamOf(machine: FakeMachine, out: Partial<OutgoingOptions> = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const channel: Channel = {
    name: 'recorder',
    duplex: false,
    send: (bytes) => Promise.resolve(void parts.push(bytes)),
    receive: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
    abort: () => undefined,
  }
  const sent = await new OutgoingMigration({ machine, channel, pace: new FakePace(), ...out }).run()
  if (sent.outcome !== 'completed') throw sent.error
  return Uint8Array.from(parts.flatMap((p) => [...p]))
}
