import { build, handlersOf, wire } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { i8042 } from './i8042.ts'
import { ps2Keyboard } from './ps2-keyboard.ts'
import { ps2Mouse } from './ps2-mouse.ts'
import type { Ps2Device } from './ps2-queue.ts'

const scripted = (saw: (value: string) => void, name: string): Ps2Device => ({
  read: () => name.length,
  write: (value) => saw(`${name} got ${value}`),
  queue: (value) => saw(`${name} queues ${value}`),
})

for (const extended of [true, false]) {
  deviceContract(i8042, {
    props: { 'extended-state': extended },
    wires: ['kbd', 'mouse', 'a20', 'reset'],
    // How a byte came to be in the buffer is not sent without the extended state.
    lazy: extended ? [] : ['kbd.obsrc', 'kbd.obdata', 'kbd.cbdata'],
    connect: (model, bench) =>
      model.connect(
        scripted((v) => bench.saw(v), 'keyboard'),
        scripted((v) => bench.saw(v), 'mouse'),
      ),
    storm(rng, model, bench) {
      const { DATA, STATUS } = model.io
      const kind = rng.below(8)
      if (kind < 2)
        STATUS.write!(
          rng.pick([0x20, 0x60, 0xa7, 0xa8, 0xaa, 0xad, 0xae, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xdd, 0xdf, 0xfe]),
          0,
          1,
        )
      else if (kind < 4) DATA.write!(rng.pick([0x61, 0x47, 0x03, 0xdf, 0xdd, 0xcf, 0xf4]), 0, 1)
      else if (kind === 4) bench.saw(STATUS.read!(0, 1))
      else if (kind < 7) {
        if ((STATUS.read!(0, 1) & 1) !== 0) bench.saw(DATA.read!(0, 1))
      } else rng.pick(Object.values(model.inputs)).set(rng.chance(0.5))
    },
  })
}

function controller() {
  const time = manualTime()
  const dma = new AddressSpace('dma')
  const irqs: string[] = []
  const line = (name: string) => wire((level) => irqs.push(`${name} ${level ? 'up' : 'down'}`))
  const ctrl = build(i8042, {
    time,
    dma,
    wires: { kbd: line('kbd'), mouse: line('mouse'), a20: line('a20'), reset: line('reset') },
  })
  const keyboard = build(ps2Keyboard, { time, dma, wires: { irq: ctrl.model.inputs.keyboard } })
  const mouse = build(ps2Mouse, { time, dma, wires: { irq: ctrl.model.inputs.mouse } })
  ctrl.model.connect(keyboard.model, mouse.model)
  for (const m of [ctrl.model, keyboard.model, mouse.model]) m.reset()
  irqs.length = 0
  const io = handlersOf(ctrl.model.io)
  return {
    ctrl,
    keyboard,
    mouse,
    irqs,
    data: () => io.read(0, 1),
    status: () => io.read(4, 1),
    write: (value: number) => io.write(0, 1, value),
    command: (value: number) => io.write(4, 1, value),
    /** Everything the guest can read. */
    drain() {
      const bytes: number[] = []
      while ((io.read(4, 1) & 1) !== 0 && bytes.length < 32) bytes.push(io.read(0, 1))
      return bytes
    },
  }
}

test('the self test answers 0x55 and sets the system flag', () => {
  const c = controller()
  c.command(0xaa)
  expect(c.drain()).toEqual([0x55])
  expect(c.status()).toBe(0x1c)
})

test("SeaBIOS's sequence finds a keyboard: both off, self test, test, reset, scan codes, enable", () => {
  const c = controller()
  c.command(0xad)
  c.command(0xa7)
  c.command(0xaa)
  expect(c.drain()).toEqual([0x55])
  c.command(0xab)
  expect(c.drain()).toEqual([0x00])
  c.command(0x60)
  c.write(0x61)
  c.command(0xae)
  c.write(0xff)
  expect(c.drain()).toEqual([0xfa, 0xaa])
  c.write(0xf5)
  expect(c.drain()).toEqual([0xfa])
  c.write(0xf0)
  expect(c.drain()).toEqual([0xfa])
  c.write(0x02)
  expect(c.drain()).toEqual([0xfa])
  c.write(0xf4)
  expect(c.drain()).toEqual([0xfa])
})

test('identify gives the translated keyboard id when translation is on', () => {
  const c = controller()
  c.write(0xf2)
  expect(c.drain()).toEqual([0xfa, 0xab, 0x83])
  c.command(0x60)
  c.write(0x41)
  c.write(0xf2)
  expect(c.drain()).toEqual([0xfa, 0xab, 0x41])
})

test('a key interrupts once per byte, and its codes are of set 1 under translation and of set 2 else', () => {
  const c = controller()
  c.keyboard.model.key(0xe048, true)
  expect(c.drain()).toEqual([0xe0, 0x75])
  expect(c.irqs).toEqual(['kbd up', 'kbd down', 'kbd up', 'kbd down'])
  c.command(0x60)
  c.write(0x41)
  c.keyboard.model.key(0x1e, true)
  c.keyboard.model.key(0x1e, false)
  expect(c.drain()).toEqual([0x1e, 0x9e])
})

test('the lights reach who watches them', () => {
  const c = controller()
  const seen: number[] = []
  c.keyboard.model.watchLeds((leds) => seen.push(leds))
  c.write(0xed)
  c.write(0x02)
  expect(c.drain()).toEqual([0xfa])
  expect(seen).toEqual([0, 2])
})

test('a disabled keyboard interface keeps the byte until it is enabled', () => {
  const c = controller()
  c.command(0xad)
  c.keyboard.model.key(0x1e, true)
  expect(c.status() & 1).toBe(0)
  c.command(0xae)
  expect(c.drain()).toEqual([0x1c])
})

test('the mouse answers on its own wire, and the wheel is found by three rates', () => {
  const c = controller()
  const send = (value: number): number[] => {
    c.command(0xd4)
    c.write(value)
    return c.drain()
  }
  expect(send(0xff)).toEqual([0xfa, 0xaa, 0x00])
  expect(c.irqs).toContain('mouse up')
  for (const rate of [200, 100, 80]) {
    send(0xf3)
    send(rate)
  }
  expect(send(0xf2)).toEqual([0xfa, 0x03])
  send(0xf4)
  c.mouse.model.move(3, -2, 1, 1)
  expect(c.drain()).toEqual([0x09, 3, 2, 1])
})

test('port 0x64 resets by 0xfe, and moves the A20 gate by 0xdd and 0xdf', () => {
  const c = controller()
  c.command(0xdd)
  c.command(0xdf)
  c.command(0xfe)
  expect(c.irqs).toEqual(['a20 down', 'a20 up', 'reset up', 'reset down'])
})

test('before 6.1 the controller puts its byte into the keyboard queue and sends old pending bits', () => {
  const time = manualTime()
  const dma = new AddressSpace('dma')
  const old = () => build(i8042, { time, dma, props: { 'extended-state': false } })
  const a = old()
  const keyboard = build(ps2Keyboard, { time, dma, wires: { irq: a.model.inputs.keyboard } })
  a.model.connect(keyboard.model, keyboard.model)
  a.model.io.STATUS.write!(0xaa, 0, 1)
  const bytes = saveBytes(i8042.vmstate as never, a.state as never)
  expect([...bytes]).toEqual([0, 0x1d, 3, 1])
  const b = old()
  loadBytes(i8042.vmstate as never, b.state as never, bytes)
  b.model.afterLoad()
  expect(b.state.kbd.pending).toBe(0x10)
  b.model.connect(keyboard.model, keyboard.model)
  expect(b.model.io.DATA.read!(0, 1)).toBe(0x55)
})

test('a wait for the throttle is sent as a flag and waited once more', () => {
  const time = manualTime()
  const dma = new AddressSpace('dma')
  const make = () => {
    const d = build(i8042, { time, dma, props: { 'kbd-throttle': true } })
    d.model.connect(
      scripted(() => undefined, 'k'),
      scripted(() => undefined, 'm'),
    )
    return d
  }
  const a = make()
  a.model.inputs.keyboard.raise()
  a.model.io.DATA.read!(0, 1)
  expect(a.model.io.STATUS.read!(0, 1) & 1).toBe(0)
  const b = make()
  loadBytes(i8042.vmstate as never, b.state as never, saveBytes(i8042.vmstate as never, a.state as never))
  b.model.afterLoad()
  time.advance(1_000_000n)
  expect(b.model.io.STATUS.read!(0, 1) & 1).toBe(1)
})
