import { deviceContract } from '@godwit/hw/contract'
import { build } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { kvmTprOpt } from './kvm-tpr-opt.ts'

deviceContract(kvmTprOpt, { connect: (model) => (model.links.codeAddress = () => 0xc_a025) })

test('the ROM at 0xca000 that writes 0x20 leaves the 144 bytes of a machine in SeaBIOS', () => {
  const { model, state, vmstate } = build(kvmTprOpt, { time: manualTime(), dma: new AddressSpace('dma') })
  model.links.codeAddress = () => 0xc_a025
  model.io.port.write!(0x20, 0, 2)
  if (vmstate === 'stateless') throw new Error('it has a state')
  const bytes = saveBytes(vmstate, state)
  expect(bytes.length).toBe(144)
  expect([...bytes.slice(124)]).toEqual([0, 0, 0, 2, ...Array<number>(12).fill(0), 0, 0x0c, 0xa0, 0x20])
})
