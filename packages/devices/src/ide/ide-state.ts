/**
 * The state of an IDE function with two channels of two drives.
 *
 * Wire  "ide" version 3
 */
import {
  born,
  array,
  bool,
  buffer,
  i32,
  i64,
  inside,
  since,
  struct,
  u32,
  u8,
  when,
  type Codec,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'
import { pciDeviceVmstate, type PciDeviceState } from '../pci/pci-state.ts'

/** A drive's transfer buffer: 256 sectors and a little. */
const IO_BUFFER = 256 * 512 + 4
export const DRQ = 0x08
export const BM_DMAING = 0x01
/** Bits of the bus master status in whose place old versions sent what was to be tried again. */
const ABUSED = 0x78

export interface IdeBmdmaState {
  cmd: number
  migration_compat_status: number
  addr: number
  migration_retry_sector_num: bigint
  migration_retry_nsector: number
  migration_retry_unit: number
  cur_addr: number
  cur_prd_last: number
  cur_prd_addr: number
  cur_prd_len: number
  status: number
}

export interface IdeBusState {
  cmd: number
  unit: number
  error_status: number
  retry_sector_num: bigint
  retry_nsector: number
  retry_unit: number
}

export interface IdeDriveState {
  mult_sectors: number
  identify_set: number
  identify_data: Uint8Array
  feature: number
  error: number
  nsector: number
  sector: number
  lcyl: number
  hcyl: number
  hob_feature: number
  hob_sector: number
  hob_nsector: number
  hob_lcyl: number
  hob_hcyl: number
  select: number
  status: number
  lba48: number
  sense_key: number
  asc: number
  cdrom_changed: number
  req_nb_sectors: number
  /** Empty until a transfer comes with a stream. */
  io_buffer: Uint8Array
  cur_io_buffer_offset: number
  cur_io_buffer_len: number
  end_transfer_fn_idx: number
  elementary_transfer_size: number
  packet_transfer_size: number
  tray_open: boolean
  tray_locked: boolean
  'events.new_media': boolean
  'events.eject_request': boolean
}

export interface IdeState {
  parent_obj: PciDeviceState
  bmdma: IdeBmdmaState[]
  bus: IdeBusState[]
  'bus[0].ifs': IdeDriveState[]
  'bus[1].ifs': IdeDriveState[]
}

const current: Subsection<IdeBmdmaState> = {
  name: 'ide bmdma_current',
  version: 1,
  born: '0.13',
  when: 'a DMA transfer is under way',
  needed: (s) => s.cur_prd_len !== 0,
}
const bmStatus: Subsection<IdeBmdmaState> = {
  name: 'ide bmdma/status',
  version: 1,
  born: '0.15',
  when: 'the status byte differs from what the compatibility byte can express (error retry pending)',
  needed: (s) => (s.status & ABUSED) !== 0,
}
const bmdma: VMState<IdeBmdmaState> = {
  name: 'ide bmdma',
  version: 3,
  minVersion: 0,
  life: { born: '0.9.0', described: '0.12' },
  fields: {
    cmd: u8,
    migration_compat_status: u8,
    addr: u32,
    migration_retry_sector_num: born('0.10', i64),
    migration_retry_nsector: born('0.10', u32),
    migration_retry_unit: born('0.10', u8),
    cur_addr: inside(current, u32),
    cur_prd_last: inside(current, u32),
    cur_prd_addr: inside(current, u32),
    cur_prd_len: inside(current, u32),
    status: inside(bmStatus, u8),
  },
  preSave(s) {
    s.migration_compat_status = s.status & ~ABUSED
  },
  preLoad(s) {
    s.status = 0
  },
  postLoad(s) {
    if (s.status === 0) s.status = s.migration_compat_status & ~ABUSED
  },
}

const busError: Subsection<IdeBusState> = {
  name: 'ide_bus/error',
  version: 2,
  minVersion: 1,
  born: '0.15',
  versions: { 2: '2.3' },
  when: 'a failed request waits for retry',
  needed: (s) => s.error_status !== 0,
}
const bus: VMState<IdeBusState> = {
  name: 'ide_bus',
  version: 1,
  minVersion: 1,
  life: { born: '0.9.0', described: '0.12' },
  fields: {
    cmd: u8,
    unit: u8,
    error_status: inside(busError, i32),
    retry_sector_num: inside(busError, since(2, i64)),
    retry_nsector: inside(busError, since(2, u32)),
    retry_unit: inside(busError, since(2, u8)),
  },
  preLoad(s) {
    s.error_status = 0
  },
  postLoad(s) {
    if (s.unit > 1) throw new RangeError(`unit 0 or 1, came ${s.unit}`)
  },
}

const ioBuffer: Codec<Uint8Array> = {
  type: 'uint8',
  shape: { kind: 'bytes', length: IO_BUFFER },
  put(w, v) {
    w.raw(v)
    w.zeros(IO_BUFFER - v.length)
  },
  get: (r) => new Uint8Array(r.raw(IO_BUFFER)),
}
const pio: Subsection<IdeDriveState> = {
  name: 'ide_drive/pio_state',
  version: 1,
  born: '0.13',
  when: 'a PIO transfer is under way (DRQ set, or a failed PIO request is to be retried)',
  needed: (s) => (s.status & DRQ) !== 0,
}
const tray: Subsection<IdeDriveState> = {
  name: 'ide_drive/tray_state',
  version: 1,
  born: '1.0',
  when: 'the CD tray is open or locked',
  needed: (s) => s.tray_open || s.tray_locked,
}
const events: Subsection<IdeDriveState> = {
  name: 'ide_drive/atapi/gesn_state',
  version: 1,
  born: '0.15',
  when: 'a media event is pending for GET EVENT STATUS NOTIFICATION',
  needed: (s) => s['events.new_media'] || s['events.eject_request'],
}
const drive: VMState<IdeDriveState> = {
  name: 'ide_drive',
  version: 3,
  minVersion: 0,
  life: { born: '0.9.0', described: '0.9.1', versions: { 3: '0.11' } },
  fields: {
    mult_sectors: i32,
    identify_set: i32,
    identify_data: when('identify_set is not 0', (s: IdeDriveState) => s.identify_set !== 0, buffer(512)),
    feature: u8,
    error: u8,
    nsector: u32,
    sector: u8,
    lcyl: u8,
    hcyl: u8,
    hob_feature: u8,
    hob_sector: u8,
    hob_nsector: u8,
    hob_lcyl: u8,
    hob_hcyl: u8,
    select: u8,
    status: u8,
    lba48: u8,
    sense_key: u8,
    asc: u8,
    cdrom_changed: since(3, u8),
    req_nb_sectors: inside(pio, i32),
    io_buffer: inside(pio, since(1, ioBuffer)),
    cur_io_buffer_offset: inside(pio, i32),
    cur_io_buffer_len: inside(pio, i32),
    end_transfer_fn_idx: inside(pio, u8),
    elementary_transfer_size: inside(pio, i32),
    packet_transfer_size: inside(pio, i32),
    tray_open: inside(tray, bool),
    tray_locked: inside(tray, bool),
    'events.new_media': inside(events, bool),
    'events.eject_request': inside(events, bool),
  },
  preLoad(s) {
    s.tray_open = s.tray_locked = false
    s['events.new_media'] = s['events.eject_request'] = false
  },
}

const drives = array<IdeDriveState[], IdeDriveState>(struct(drive), 2)

export const vmstate: VMState<IdeState> = {
  name: 'ide',
  version: 3,
  minVersion: 0,
  life: { born: '0.9.0', described: '0.12', versions: { 2: '0.10', 3: '0.11' } },
  fields: {
    parent_obj: struct(pciDeviceVmstate),
    bmdma: array<IdeBmdmaState[], IdeBmdmaState>(struct(bmdma), 2),
    bus: since(1, array<IdeBusState[], IdeBusState>(struct(bus), 2)),
    'bus[0].ifs': born('0.9.0', since(3, drives)),
    'bus[1].ifs': born('0.9.0', since(3, drives)),
  },
}

export const bmdmaState = (): IdeBmdmaState => ({
  cmd: 0,
  migration_compat_status: 0,
  addr: 0,
  migration_retry_sector_num: 0n,
  migration_retry_nsector: 0,
  migration_retry_unit: 0,
  cur_addr: 0,
  cur_prd_last: 0,
  cur_prd_addr: 0,
  cur_prd_len: 0,
  status: 0,
})

export const busState = (): IdeBusState => ({
  cmd: 0,
  unit: 0,
  error_status: 0,
  retry_sector_num: 0n,
  retry_nsector: 0,
  retry_unit: 0,
})

/** A drive bay with nothing in it. */
export const driveState = (): IdeDriveState => ({
  mult_sectors: 16,
  identify_set: 0,
  identify_data: new Uint8Array(512),
  feature: 0,
  error: 0,
  nsector: 1,
  sector: 1,
  lcyl: 0xff,
  hcyl: 0xff,
  hob_feature: 0,
  hob_sector: 0,
  hob_nsector: 0,
  hob_lcyl: 0,
  hob_hcyl: 0,
  select: 0xa0,
  status: 0x50,
  lba48: 0,
  sense_key: 0,
  asc: 0,
  cdrom_changed: 0,
  req_nb_sectors: 0,
  io_buffer: new Uint8Array(0),
  cur_io_buffer_offset: 0,
  cur_io_buffer_len: 0,
  end_transfer_fn_idx: 0,
  elementary_transfer_size: 0,
  packet_transfer_size: 0,
  tray_open: false,
  tray_locked: false,
  'events.new_media': false,
  'events.eject_request': false,
})
