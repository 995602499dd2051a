import { PAGE_SIZE } from '@godwit/memory'
import { StreamWriter } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { memoryChannels } from '../channels/memory.ts'
import { HEADER_BYTES, INITIAL_BYTES } from './packet.ts'
import { MultifdSender } from './sender.ts'

/** The first packet's numbers of pages with data and of zero pages, and all that follows its header. */
async function packetOf(block: string): Promise<{ normal: number; zero: number; data: Uint8Array }> {
  const [here, there] = memoryChannels()
  const sender = new MultifdSender({ channels: [here] }, new StreamWriter(), true)
  sender.zero(block, PAGE_SIZE)
  sender.finish()
  await sender.send()
  sender.close()
  const parts: Uint8Array[] = []
  for (let part = await there.receive(); part !== undefined; part = await there.receive()) parts.push(part)
  const bytes = Buffer.concat(parts).subarray(INITIAL_BYTES)
  return { normal: bytes.readUInt32BE(16), zero: bytes.readUInt32BE(32), data: bytes.subarray(HEADER_BYTES) }
}

test('a zero page of memory is named in a packet and has no data', async () => {
  expect(await packetOf('pc.ram')).toEqual({ normal: 0, zero: 1, data: Buffer.alloc(0) })
})

test('a zero page of a file for the firmware has its data: a QEMU has filled the block and would keep what is there', async () => {
  expect(await packetOf('/rom@etc/acpi/tables')).toEqual({ normal: 1, zero: 0, data: Buffer.alloc(PAGE_SIZE) })
})
