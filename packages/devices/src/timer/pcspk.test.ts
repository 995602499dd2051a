import { deviceContract } from '@godwit/hw/contract'
import { expect, test } from 'vitest'
import { build } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { i8254 } from './i8254.ts'
import { pcspk } from './pcspk.ts'

deviceContract(pcspk, {})

function pair() {
  const time = manualTime()
  const dma = new AddressSpace('dma')
  const pit = build(i8254, { time, dma })
  const speaker = build(pcspk, { time, dma })
  speaker.model.links.counter = pit.model
  pit.model.reset()
  return { time, pit: pit.model.io, port: speaker.model.io.control, speaker }
}

test('a kernel measures time by counter 2 in mode 0: bit 5 rises when the count has run out', () => {
  const { time, pit, port } = pair()
  port.write!(0x01, 0, 1)
  pit.control.write!(0xb0, 0, 1)
  pit.counters.write!(0x9c, 2, 1)
  pit.counters.write!(0x2e, 2, 1) // 11932 ticks, 10 ms
  expect(port.read!(0, 1) & 0x21).toBe(0x01)
  time.advance(9_999_000n)
  expect(port.read!(0, 1) & 0x20).toBe(0)
  time.advance(2_000n)
  expect(port.read!(0, 1) & 0x20).toBe(0x20)
})

test('the refresh bit toggles with each read and the data bit stays as written', () => {
  const { port } = pair()
  port.write!(0x02, 0, 1)
  expect([1, 2, 3, 4].map(() => port.read!(0, 1) & 0x12)).toEqual([0x12, 0x02, 0x12, 0x02])
})
