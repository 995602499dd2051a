/** The protocol around the state: what one side sends that the other does not expect. */
import { RamBlock, HostMemory } from '../../packages/memory/src/index.ts'
import { memoryChannels, newFigures } from '../../packages/migration-net/src/index.ts'
import { HEADER_BYTES, putHeader } from '../../packages/migration-net/src/multifd/packet.ts'
import { MultifdReceiver } from '../../packages/migration-net/src/multifd/receiver.ts'
import { changed, dropRow, obstacles, qemu } from './builds.ts'
import type { Replay } from './replay.ts'

const PAGE = 4096

/** A row of the migration's properties is forgotten; `knew`: whether the old release has the property. */
const dialect = (id: number, property: string, machine: string, options: object): Replay => ({
  ...{
    id,
    by: 'protocol',
    carrier: `migration.${property} of QEMU 11.1`,
    says: new RegExp(`protocol migration\\.${property}`),
  },
  told(faulty) {
    const old = changed(qemu('7.2'), (d) => void delete d.devices['migration']!.defaults[property])
    const now = changed(qemu('11.1'), (d) => {
      if (faulty) dropRow(d, 'migration', property)
      else for (const m of d.machines) m.compat.push({ type: 'migration', property, value: OLD[property]! })
    })
    return obstacles(now, old, machine, options).filter((t) => t.includes(property))
  },
})
const OLD: Record<string, string> = {
  'send-configuration': 'off',
  'x-preempt-pre-7-2': 'on',
  'multifd-clean-tls-termination': 'off',
}

/** A channel of a release before 9.0: its last packet bears pages and SYNC. */
function transcript(dataRead: boolean): Uint8Array[] {
  const packet = new Uint8Array(HEADER_BYTES + PAGE).fill(0x5a, HEADER_BYTES)
  putHeader(packet, { sync: true, block: 'pc.ram', normal: 1, offsets: [0] }, 0)
  // a receiver that takes a SYNC packet for empty leaves the page in the way of the next header
  const next = new Uint8Array(HEADER_BYTES)
  putHeader(next, { sync: true, block: '', normal: 0, offsets: [] }, 1)
  return dataRead ? [packet, next] : [packet.subarray(0, HEADER_BYTES), next, new Uint8Array(PAGE)]
}

export const PROTOCOL: readonly Replay[] = [
  dialect(4, 'send-configuration', 'pc-i440fx-6.2', {}),
  dialect(39, 'x-preempt-pre-7-2', 'pc-i440fx-7.1', { preempt: true }),
  dialect(46, 'multifd-clean-tls-termination', 'pc-i440fx-7.1', { tls: true, multifd: true }),
  {
    ...{ id: 45, by: 'protocol', carrier: 'our multifd channels: a SYNC packet with pages', says: /0x11223344|magic/ },
    async told(faulty) {
      const block = new RamBlock(new HostMemory({ sizeBytes: 2 * PAGE }), 'pc.ram', PAGE)
      const place = { block, words: new Uint32Array(block.bytes.buffer, block.offset, PAGE / 4) }
      const [source, channel] = memoryChannels()
      const receiver = new MultifdReceiver([channel], () => place, newFigures(0))
      receiver.start()
      const failed = receiver.failure.catch((e: unknown) => [(e as Error).message])
      const done = (async () => {
        for (const bytes of transcript(!faulty)) await source.send(bytes)
        await source.close()
        await receiver.sync()
        await receiver.sync()
        return block.bytes[0] === 0x5a ? [] : ['the page did not come']
      })().catch((e: unknown) => [(e as Error).message])
      const told = await Promise.race([failed, done])
      await receiver.close()
      return told
    },
  },
]
