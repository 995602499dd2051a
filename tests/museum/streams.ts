/** A paused machine as a whole stream, and back. */
import type { Machine } from '../../packages/machines/src/index.ts'
import {
  IncomingMigration,
  memoryChannels,
  OutgoingMigration,
  type Channel,
  type Pace,
} from '../../packages/migration-net/src/index.ts'

/** Takes everything that is sent. */
function collector(): { readonly channel: Channel; readonly bytes: () => Uint8Array } {
  const pieces: Uint8Array[] = []
  return {
    channel: {
      name: 'museum',
      duplex: false,
      send: (bytes) => {
        pieces.push(bytes.slice())
        return Promise.resolve()
      },
      receive: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
      abort: () => undefined,
    },
    bytes: () => Buffer.concat(pieces),
  }
}

/** A host whose clock counts questions, so that the same machine is cut into the same batches. */
function countedPace(): Pace {
  let ms = 0
  return { nowMs: () => ms++ / 1000, turn: () => Promise.resolve(), after: () => () => undefined }
}

export async function saved(machine: Machine): Promise<Uint8Array> {
  const collected = collector()
  const result = await new OutgoingMigration({ machine, channel: collected.channel, pace: countedPace() }).run()
  if (result.outcome !== 'completed') throw result.error
  return collected.bytes()
}

/** Loads a stream; the machine stays paused as it came. */
export async function load(machine: Machine, bytes: Uint8Array): Promise<void> {
  const [source, channel] = memoryChannels()
  const taken = new IncomingMigration({ machine, channel, autostart: false }).run()
  await source.send(bytes.slice())
  await source.close()
  const result = await taken
  if (result.outcome !== 'completed') throw result.error
}
