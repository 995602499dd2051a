import { build, handlersOf, nullChar } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { expect, test } from 'vitest'
import { debugcon } from '../char/debugcon.ts'
import { isaDebugExit } from './isa-debug-exit.ts'
import { port92 } from './port92.ts'

const options = { time: manualTime(), dma: new AddressSpace('dma') }

deviceContract(port92, { wires: ['reset', 'a20'] })
deviceContract(isaDebugExit)
deviceContract(debugcon)

test('the debug console says that it is there and prints bytes', () => {
  const dev = build(debugcon, options)
  const seen: number[] = []
  dev.model.connect({ ...nullChar(), write: (data) => seen.push(...data) })
  const io = handlersOf(dev.model.io)
  expect(io.read(0, 1)).toBe(0xe9)
  io.write(0, 1, 0x41)
  expect(seen).toEqual([0x41])
})

test('a value v written to the exit port gives code 2v + 1', () => {
  const dev = build(isaDebugExit, options)
  const codes: number[] = []
  dev.model.connect((code) => codes.push(code))
  handlersOf(dev.model.io).write(0, 4, 3)
  expect(codes).toEqual([7])
})
