/** The contract suite is accepted only with its mutants: each fault by hand must turn some check red. */
import { buffer, derived, inside, timer, u16, u32, u8, type Fields, type Subsection } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { device } from '../device.ts'
import { wire } from '../irq.ts'
import { num } from '../prop.ts'
import { reg } from '../reg.ts'
import { failuresOf, type CheckOptions } from './checks.ts'
import type { AnyDef } from './rig.ts'

const faults = [
  'the timer is not set again after loading',
  'the timer is set from now instead of from its expiry',
  'an old timer is not cancelled by loading',
  'a field is forgotten',
  'a field is too narrow',
  'a derived value is not rebuilt',
  'a subsection is never needed',
  'a subsection that is not received leaves its old value',
  'the wire is not restored',
  'the wire is restored with an edge',
  'the wire is restored to the wrong level',
  'what an input has seen is not saved',
  'saving changes the device',
  'a handler throws',
  'a read gives nothing',
  'a reset is not complete',
  'chance comes from the host',
  'an array is replaced by loading',
  'two registers overlap',
  'loading fires the timer at once',
] as const
type Fault = (typeof faults)[number] | null

interface SampleState {
  control: number
  period: number
  status: number
  expiry: bigint | null
  scratch: number
  gate: number
  memory: Uint8Array
  edges: number
  periodNs: bigint
}

const RUN = 1
const ENABLE = 2

/** A small timer: a period in microseconds, a status that reading clears, a counter of the edges at an input. */
function sample(fault: Fault) {
  const sub: Subsection<SampleState> = {
    name: 'sample/edges',
    version: 1,
    born: '1.0',
    needed: (s) => fault !== 'a subsection is never needed' && s.edges !== 0,
  }
  const fields: Fields<SampleState> = {
    control: u8,
    period: fault === 'a field is too narrow' ? u8 : u16,
    status: u8,
    expiry: timer,
    scratch: fault === 'a field is forgotten' ? derived('nothing') : u32,
    gate: fault === 'what an input has seen is not saved' ? derived('nothing') : u8,
    memory: fault === 'an array is replaced by loading' ? { ...buffer(4), get: (r) => r.raw(4).slice() } : buffer(4),
    edges: inside(sub, u16),
    periodNs: derived('period'),
  }
  return device({
    type: 'sample',
    doc: 'A timer for the contract suite',
    props: { least: num(10, 'shortest period, us') },
    wires: ['irq'],
    state: (): SampleState => ({
      control: 0,
      period: 100,
      status: 0,
      expiry: null,
      scratch: 0,
      gate: 0,
      memory: new Uint8Array(4),
      edges: 0,
      periodNs: 100_000n,
    }),
    vmstate: {
      name: 'sample',
      version: 2,
      minVersion: 1,
      life: { born: '1.0' },
      fields,
      preLoad(s) {
        if (fault !== 'a subsection that is not received leaves its old value') s.edges = 0
      },
      postLoad(s) {
        if (fault !== 'a derived value is not rebuilt') s.periodNs = BigInt(s.period) * 1000n
      },
    },
    create({ state: s, props, time, wires }) {
      const clock = time.virtual
      const memory = s.memory
      const tick = clock.timer(() => {
        s.status |= 1
        wires.irq.set((s.control & ENABLE) !== 0)
        plan()
      })
      function plan(): void {
        s.expiry = (s.control & RUN) !== 0 ? clock.now() + s.periodNs : null
        if (s.expiry === null) tick.cancel()
        else tick.set(s.expiry)
      }
      return {
        io: {
          control: reg(0, 1, 'bit 0 runs, bit 1 enables the interrupt', {
            read: () => s.control,
            write(v) {
              if (fault === 'a handler throws' && v === 0x80) throw new Error('oh')
              s.control = v & 3
              wires.irq.set((s.control & ENABLE) !== 0 && (s.status & 1) !== 0)
              plan()
            },
          }),
          period: reg(2, 2, 'period in microseconds', {
            read: (at) => (at === 0 ? s.period & 0xff : s.period >> 8),
            write(v, at) {
              s.period = at === 0 ? (s.period & 0xff00) | (v & 0xff) : (s.period & 0xff) | ((v & 0xff) << 8)
              s.period = Math.max(props.least, s.period)
              s.periodNs = BigInt(s.period) * 1000n
            },
          }),
          status: reg(1, fault === 'two registers overlap' ? 2 : 1, 'bit 0 a tick has passed; reading clears', {
            read() {
              const value = s.status
              s.status = fault === 'chance comes from the host' ? (performance.now() * 1000) & 2 : 0
              wires.irq.lower()
              return value
            },
          }),
          memory: reg(4, 4, 'four bytes', {
            read: (at) =>
              fault === 'a read gives nothing' && at === 3 ? (undefined as unknown as number) : memory[at]!,
            write(v, at) {
              memory[at] = v
              s.scratch = (s.scratch * 3 + v + 1) >>> 0
            },
          }),
          scratch: reg(8, 1, 'low byte of a sum; bit 0 the gate', { read: () => (s.scratch & 0xfe) | s.gate }),
          edges: reg(9, 1, 'edges seen', { read: () => s.edges & 0xff }),
        },
        sizes: { min: 1, max: 1 } as const,
        inputs: {
          gate: wire((level) => {
            s.gate = level ? 1 : 0
            if (level) s.edges = (s.edges + 1) & 0xffff
            if (s.edges === 40) s.edges = 0
          }),
        },
        reset() {
          s.control = s.status = s.edges = 0
          if (fault === 'a reset is not complete') s.scratch = (s.scratch + 1) & 0xff
          wires.irq.lower()
          plan()
        },
        beforeSave() {
          if (fault === 'saving changes the device') s.status = 0
        },
        afterLoad() {
          if (fault === 'the timer is set from now instead of from its expiry') plan()
          else if (s.expiry !== null && fault !== 'the timer is not set again after loading') {
            tick.set(fault === 'loading fires the timer at once' ? clock.now() : s.expiry)
          } else if (fault !== 'an old timer is not cancelled by loading') tick.cancel()
          const level = (s.control & ENABLE) !== 0 && (s.status & 1) !== 0
          if (fault === 'the wire is restored with an edge') wires.irq.set(level)
          else if (fault === 'the wire is restored to the wrong level') wires.irq.restore(!level)
          else if (fault !== 'the wire is not restored') wires.irq.restore(level)
        },
      }
    },
  })
}

const options: CheckOptions = { wires: ['irq'] }
const failures = (fault: Fault): string[] => failuresOf(sample(fault) as AnyDef, options)

test('a device without a fault keeps the contract', () => {
  expect(failures(null)).toEqual([])
})

for (const fault of faults) {
  test(`the contract goes red when ${fault}`, () => {
    expect(failures(fault)).not.toEqual([])
  })
}

test('a storm that moves no wire is named', () => {
  const quiet: CheckOptions = { wires: ['irq', 'nmi'], storm: () => undefined }
  expect(failuresOf(sample(null) as AnyDef, quiet)).toEqual([
    'moves its wires in the storm: wire irq never moved in the storm',
    'moves its wires in the storm: there is no wire nmi; there are irq',
  ])
})
