import { AddressSpace } from '@godwit/memory'
import { expect, test } from 'vitest'
import { build, device } from './device.ts'
import { num } from './prop.ts'
import { manualTime } from './testing/index.ts'
import { wire } from './irq.ts'

const lamp = device({
  type: 'lamp',
  doc: 'Lights a wire',
  props: { watts: num(40, 'power'), volts: num(230, 'voltage') },
  wires: ['light', 'heat'],
  state: (props) => ({ watts: props.watts }),
  vmstate: 'stateless',
  create: ({ state, props, wires, trace }) => ({
    current: () => props.watts / props.volts,
    on() {
      wires.light.raise()
      wires.heat.raise()
      trace('lamp.on', { watts: state.watts })
    },
    reset: () => undefined,
  }),
})
const given = { time: manualTime(), dma: new AddressSpace('dma') }

test('a device is built with its defaults, except where the board says otherwise', () => {
  const { state, model } = build(lamp, { ...given, props: { volts: 10 } })
  expect([state.watts, model.current()]).toEqual([40, 4])
})

test('a wire that the board does not name leads nowhere, and works', () => {
  const seen: boolean[] = []
  const { model } = build(lamp, { ...given, wires: { light: wire((level) => seen.push(level)) } })
  model.on()
  expect(seen).toEqual([true])
})

test('what a device tells is heard by whoever listens, with its details', () => {
  const heard: unknown[] = []
  build(lamp, { ...given, trace: (...event) => heard.push(event) }).model.on()
  expect(heard).toEqual([['lamp.on', { watts: 40 }]])
})

test('two devices of one definition share no state', () => {
  const [a, b] = [build(lamp, given), build(lamp, given)]
  a.state.watts = 1
  expect(b.state.watts).toBe(40)
})
