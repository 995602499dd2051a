/** Descriptions of our own beside what a real machine wrote of the same section: payload and embedded JSON agree. */
import { Reader } from '../../packages/bits/src/index.ts'
import {
  array,
  buffer,
  configurationOf,
  configurationState,
  describe,
  describeDevice,
  descriptionText,
  findDescription,
  i32,
  i64,
  inside,
  loadSection,
  named,
  parseDescription,
  readWhole,
  saveBytes,
  struct,
  timer,
  u16,
  u32,
  u64,
  u8,
  unused,
} from '../../packages/vmstate/src/index.ts'
import type { Subsection, UnusedLife, VMState } from '../../packages/vmstate/src/index.ts'
import { expect, test } from 'vitest'
import { stream } from './fixtures.ts'

const GONE: UnusedLife = { born: '1.0', was: 'nothing', lastWriter: null, unversioned: [] }

interface Channel {
  count: number
  latched_count: number
  count_latched: number
  status_latched: number
  status: number
  read_state: number
  write_state: number
  write_latch: number
  rw_mode: number
  mode: number
  bcd: number
  gate: number
  count_load_time: bigint
  next_transition_time: bigint
}
const channel: VMState<Channel> = {
  name: 'pit channel',
  version: 2,
  minVersion: 2,
  life: { born: '1.0' },
  fields: {
    count: i32,
    latched_count: u16,
    count_latched: u8,
    status_latched: u8,
    status: u8,
    read_state: u8,
    write_state: u8,
    write_latch: u8,
    rw_mode: u8,
    mode: u8,
    bcd: u8,
    gate: u8,
    count_load_time: i64,
    next_transition_time: i64,
  },
}
interface Pit {
  irqDisabled: number
  channels: Channel[]
  nextTransition: bigint
}
const pit: VMState<Pit> = {
  name: 'i8254',
  version: 3,
  minVersion: 2,
  life: { born: '1.0' },
  fields: {
    irqDisabled: named('channels[0].irq_disabled', u32),
    channels: array<Channel[], Channel>(struct(channel), 3),
    nextTransition: named('channels[0].next_transition_time', i64),
  },
}
const freshChannel = (): Channel => ({
  ...{ count: 0, latched_count: 0, count_latched: 0, status_latched: 0, status: 0, read_state: 0, write_state: 0 },
  ...{ write_latch: 0, rw_mode: 0, mode: 0, bcd: 0, gate: 0, count_load_time: 0n, next_transition_time: 0n },
})

interface Rtc {
  cmos_data: Uint8Array
  cmos_index: number
  periodic_timer: bigint | null
  next_periodic_time: bigint
  irq_coalesced: number
  period: number
  base_rtc: bigint
  last_update: bigint
  offset: bigint
  update_timer: bigint | null
  next_alarm_time: bigint
}
const rtc: VMState<Rtc> = {
  name: 'mc146818rtc',
  version: 3,
  minVersion: 1,
  life: { born: '1.0' },
  fields: {
    cmos_data: buffer(128),
    cmos_index: u8,
    unused0: unused(28, GONE),
    periodic_timer: timer,
    next_periodic_time: i64,
    unused1: unused(24, GONE),
    irq_coalesced: u32,
    period: u32,
    base_rtc: u64,
    last_update: u64,
    offset: i64,
    update_timer: timer,
    next_alarm_time: u64,
  },
}
const freshRtc = (): Rtc => ({
  cmos_data: new Uint8Array(128),
  ...{ cmos_index: 0, periodic_timer: null, next_periodic_time: 0n, irq_coalesced: 0, period: 0, base_rtc: 0n },
  ...{ last_update: 0n, offset: 0n, update_timer: null, next_alarm_time: 0n },
})

interface FwCfg {
  cur_entry: number
  cur_offset: number
  dma_addr: bigint
  table_mr_size: bigint
  linker_mr_size: bigint
  rsdp_mr_size: bigint
}
const dma: Subsection<FwCfg> = { name: 'fw_cfg/dma', version: 0, born: '1.0', needed: () => true }
const tables: Subsection<FwCfg> = { name: 'fw_cfg/acpi_mr', version: 1, born: '1.0', needed: () => true }
const fwCfg: VMState<FwCfg> = {
  name: 'fw_cfg',
  version: 2,
  minVersion: 1,
  life: { born: '1.0' },
  fields: {
    cur_entry: u16,
    cur_offset: named('cur_offset[1]', u32),
    dma_addr: inside(dma, u64),
    table_mr_size: inside(tables, u64),
    linker_mr_size: inside(tables, u64),
    rsdp_mr_size: inside(tables, u64),
  },
}
const freshFwCfg = (): FwCfg => ({
  cur_entry: 0,
  cur_offset: 0,
  ...{ dma_addr: 0n, table_mr_size: 0n, linker_mr_size: 0n, rsdp_mr_size: 0n },
})

const cases: [string, VMState<never>, () => unknown][] = [
  [
    'i8254',
    pit as VMState<never>,
    () => ({ irqDisabled: 0, channels: [0, 1, 2].map(freshChannel), nextTransition: 0n }),
  ],
  ['mc146818rtc', rtc as VMState<never>, freshRtc],
  ['fw_cfg', fwCfg as VMState<never>, freshFwCfg],
]

test.each(cases)(
  '%s: loading, saving and describing a recorded section gives what was recorded',
  (name, vmstate, fresh) => {
    for (const release of ['10.0', '11.1']) {
      const bytes = stream('reference', `i440fx-base-bios-${release}.mig`)
      const item = readWhole(bytes).find((i) => i.kind === 'device' && i.idstr === name)
      if (item?.kind !== 'device') throw new Error(`no ${name}`)
      const state = fresh() as never
      const r = new Reader(item.payload, item.payloadOffset)
      loadSection(vmstate, state, r, item.version)
      expect(r.left).toBe(0)
      expect(saveBytes(vmstate, state)).toEqual(new Uint8Array(item.payload))

      const recorded = findDescription(bytes)!.description.devices.find((d) => d.name === name)
      expect(descriptionText(describeDevice(name, 0, vmstate, state))).toBe(descriptionText(recorded))
    }
  },
)

test('the configuration describes itself as the recorded one does', () => {
  const { description } = findDescription(stream('reference', 'i440fx-base-bios-11.1.mig'))!
  expect(describe(configurationState, configurationOf({ machine: 'pc-i440fx-5.2' }))).toEqual(description.configuration)
})

test('a whole description printed again is the text that was recorded', () => {
  const bytes = stream('reference', 'q35-full-bios-11.1.mig')
  const { offset, description } = findDescription(bytes)!
  const text = Buffer.from(bytes.subarray(offset + 5)).toString('latin1')
  expect(descriptionText(description)).toBe(text)
  expect(parseDescription(text)).toEqual(description)
})
