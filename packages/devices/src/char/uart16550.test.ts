import { build, handlersOf, type Char } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { expect, test } from 'vitest'
import { uart16550 } from './uart16550.ts'

const lines = new WeakMap<object, Char>()

deviceContract(uart16550, {
  wires: ['irq'],
  // What has been sent, and the transmitter's interrupt while it is not enabled, do not travel.
  lazy: ['state.thr', 'state.tsr', 'state.thr_ipending'],
  connect(model, bench) {
    const char: Char = {
      write: (data) => data.forEach((byte) => bench.saw(`sent ${byte}`)),
      onData: undefined,
      ready: () => undefined,
    }
    lines.set(model, char)
    model.connect(char)
  },
  storm(rng, model, bench) {
    const { io } = model
    const kind = rng.below(12)
    if (kind < 3) bench.saw(lines.get(model)!.onData!(Uint8Array.of(rng.below(256), rng.below(256))))
    else if (kind === 3) io.IIR_FCR.write!(rng.pick([0x00, 0x01, 0x07, 0x81, 0xc1, 0x41]), 0, 1)
    else if (kind === 4) io.IER.write!(rng.below(16), 0, 1)
    else if (kind === 5) io.LCR.write!(rng.pick([0x03, 0x83, 0x1b]), 0, 1)
    else if (kind === 6) io.MCR.write!(rng.pick([0x0b, 0x1b, 0x03]), 0, 1)
    else if (kind === 7) io.RBR_THR.write!(rng.below(256), 0, 1)
    else bench.saw(rng.pick([io.RBR_THR, io.IIR_FCR, io.LSR, io.MSR, io.SCR]).read!(0, 1))
  },
})

function port() {
  const time = manualTime()
  const sent: number[] = []
  const char: Char = { write: (d) => sent.push(...d), onData: undefined, ready: () => void ready++ }
  let ready = 0
  const dev = build(uart16550, { time, dma: new AddressSpace('dma') })
  dev.model.reset()
  dev.model.connect(char)
  const io = handlersOf(dev.model.io)
  return {
    time,
    sent,
    char,
    readies: () => ready,
    s: dev.state.state,
    read: (at: number) => io.read(at, 1),
    write: (at: number, value: number) => io.write(at, 1, value),
  }
}

test('a byte written to THR is sent, and the transmitter is empty again', () => {
  const p = port()
  p.write(0, 0x41)
  expect(p.sent).toEqual([0x41])
  expect(p.read(5)).toBe(0x60)
})

test('enabling THRI with an empty transmitter interrupts at once, and reading IIR takes it back', () => {
  const p = port()
  p.write(1, 0x02)
  expect(p.read(2)).toBe(0x02)
  expect(p.read(2)).toBe(0x01)
})

test('with FIFOs on IIR says so in its two high bits', () => {
  const p = port()
  p.write(2, 0x01)
  expect(p.read(2)).toBe(0xc1)
  p.write(2, 0x00)
  expect(p.read(2)).toBe(0x01)
})

test('without FIFOs one byte is taken, a second waits for the guest to read', () => {
  const p = port()
  expect(p.char.onData!(Uint8Array.of(1, 2))).toBe(1)
  expect(p.char.onData!(Uint8Array.of(2))).toBe(0)
  expect(p.read(5) & 1).toBe(1)
  expect(p.read(0)).toBe(1)
  expect(p.readies()).toBe(1)
  expect(p.char.onData!(Uint8Array.of(2))).toBe(1)
})

test('the receive interrupt comes at the trigger level, below it the timeout after four characters', () => {
  const p = port()
  p.write(2, 0x81) // trigger at 8
  p.write(1, 0x01)
  p.char.onData!(Uint8Array.of(1, 2, 3))
  expect(p.read(2)).toBe(0xc1)
  p.time.advance(10_000_000n)
  expect(p.read(2)).toBe(0xcc)
  expect(p.read(0)).toBe(1)
  expect(p.read(2)).toBe(0xc1)
  p.char.onData!(Uint8Array.of(4, 5, 6, 7, 8, 9))
  expect(p.read(2)).toBe(0xc4)
})

test('in loopback what is sent is received, and the modem outputs come back as inputs', () => {
  const p = port()
  p.write(4, 0x1a) // loop, OUT2, RTS
  expect(p.read(6) & 0xf0).toBe(0x90)
  p.write(0, 0x55)
  expect(p.sent).toEqual([])
  expect(p.read(0)).toBe(0x55)
})

test('with DLAB the first two registers are the divider', () => {
  const p = port()
  p.write(3, 0x80)
  p.write(0, 0x34)
  p.write(1, 0x12)
  expect(p.s.divider).toBe(0x1234)
  expect([p.read(0), p.read(1)]).toEqual([0x34, 0x12])
  expect(p.sent).toEqual([])
})

test('clearing the receive FIFO forgets its bytes and its timeout', () => {
  const p = port()
  p.write(2, 0x01)
  p.write(1, 0x01)
  p.char.onData!(Uint8Array.of(1))
  p.write(2, 0x03)
  p.time.advance(10_000_000n)
  expect(p.read(2)).toBe(0xc1)
  expect(p.read(5)).toBe(0x60)
})
