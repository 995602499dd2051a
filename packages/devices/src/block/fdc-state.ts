/**
 * The state of the floppy controller.
 *
 * Wire  "fdc" version 2
 */
import {
  born,
  array,
  derived,
  equal,
  i32,
  inside,
  since,
  struct,
  timer,
  u32,
  u8,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'

export const FIFO_BYTES = 512
export const DRIVES = 2

export const MSR_BUSY = 0x10
export const MSR_NON_DMA = 0x20
export const MSR_DIO = 0x40
export const MSR_RQM = 0x80

export const PHASE_COMMAND = 1
export const PHASE_EXECUTION = 2
export const PHASE_RESULT = 3

export interface FloppyDriveState {
  head: number
  track: number
  sect: number
  media_changed: number
  media_rate: number
  perpendicular: number
  present: boolean
}

export interface FdcCoreState {
  sra: number
  srb: number
  /** DOR with the selected drive, as it travels. */
  dor_vmstate: number
  tdr: number
  dsr: number
  msr: number
  status0: number
  status1: number
  status2: number
  fifo: Uint8Array
  data_pos: number
  data_len: number
  data_state: number
  data_dir: number
  eot: number
  timer0: number
  timer1: number
  precomp_trk: number
  config: number
  lock: number
  pwrd: number
  num_floppies: number
  drives: FloppyDriveState[]
  reset_sensei: number
  result_timer: bigint | null
  phase: number
  dor: number
  cur_drv: number
}

export interface FdcState {
  state: FdcCoreState
}

const mediaChanged: Subsection<FloppyDriveState> = {
  name: 'fdrive/media_changed',
  version: 1,
  born: '0.15',
  when: 'the drive has a backend and its media-changed flag is not 1',
  needed: (s) => s.present && s.media_changed !== 1,
}
const mediaRate: Subsection<FloppyDriveState> = {
  name: 'fdrive/media_rate',
  version: 1,
  born: '1.1',
  gate: { type: 'isa-fdc', property: 'check_media_rate', value: 'off', offFor: '1.0', until: '6.0' },
  when: 'always since 6.0; before: when check_media_rate is on',
  needed: () => true,
}
const perpendicular: Subsection<FloppyDriveState> = {
  name: 'fdrive/perpendicular',
  version: 1,
  born: '2.2',
  when: 'perpendicular mode is set',
  needed: (s) => s.perpendicular !== 0,
}

const drive: VMState<FloppyDriveState> = {
  name: 'fdrive',
  version: 1,
  minVersion: 1,
  life: { born: '0.9.1' },
  fields: {
    head: u8,
    track: u8,
    sect: u8,
    media_changed: inside(mediaChanged, u8),
    media_rate: inside(mediaRate, u8),
    perpendicular: inside(perpendicular, u8),
    present: derived('whether there is a drive'),
  },
  preLoad(s) {
    s.media_changed = 1
    s.perpendicular = 0
  },
}

/** The phase that the registers speak of. */
function phaseOf(s: FdcCoreState): number {
  if ((s.msr & MSR_NON_DMA) !== 0 || (s.msr & MSR_RQM) === 0) return PHASE_EXECUTION
  return (s.msr & MSR_DIO) !== 0 ? PHASE_RESULT : PHASE_COMMAND
}

const resetSensei: Subsection<FdcCoreState> = {
  name: 'fdc/reset_sensei',
  version: 1,
  born: '2.2',
  when: 'sense-interrupt replies of a reset are outstanding',
  needed: (s) => s.reset_sensei !== 0,
}
const resultTimer: Subsection<FdcCoreState> = {
  name: 'fdc/result_timer',
  version: 1,
  born: '2.2',
  when: 'the result timer is armed',
  needed: (s) => s.result_timer !== null,
}
const phase: Subsection<FdcCoreState> = {
  name: 'fdc/phase',
  version: 1,
  born: '2.4',
  when: 'the phase cannot be reconstructed from the registers',
  needed: (s) => s.phase !== phaseOf(s),
}

const core: VMState<FdcCoreState> = {
  name: 'fdc',
  version: 2,
  minVersion: 2,
  life: { born: '0.9.1', versions: { 2: '0.10' } },
  fields: {
    sra: born('0.10', u8),
    srb: born('0.10', u8),
    dor_vmstate: born('0.10', u8),
    tdr: born('0.10', u8),
    dsr: born('0.10', u8),
    msr: born('0.10', u8),
    status0: born('0.10', u8),
    status1: born('0.10', u8),
    status2: born('0.10', u8),
    fifo: array<Uint8Array, number>(u8, FIFO_BYTES),
    data_pos: u32,
    data_len: u32,
    data_state: u8,
    data_dir: u8,
    eot: u8,
    timer0: u8,
    timer1: u8,
    precomp_trk: u8,
    config: u8,
    lock: u8,
    pwrd: u8,
    num_floppies: born('0.10', equal(u8)),
    drives: since(1, array<FloppyDriveState[], FloppyDriveState>(struct(drive), DRIVES)),
    reset_sensei: inside(resetSensei, i32),
    result_timer: inside(resultTimer, timer),
    phase: inside(phase, u8),
    dor: derived('dor_vmstate'),
    cur_drv: derived('dor_vmstate'),
  },
  preSave(s) {
    s.dor_vmstate = s.dor | s.cur_drv
  },
  preLoad(s) {
    s.phase = 0
    s.reset_sensei = 0
    s.result_timer = null
  },
  postLoad(s) {
    s.cur_drv = s.dor_vmstate & (DRIVES - 1)
    s.dor = s.dor_vmstate & ~(DRIVES - 1)
    if (s.phase === 0) s.phase = phaseOf(s)
  },
}

export const vmstate: VMState<FdcState> = {
  name: 'fdc',
  version: 2,
  minVersion: 2,
  life: { born: '0.13' },
  fields: { state: struct(core) },
}

const bay = (): FloppyDriveState => ({
  head: 0,
  track: 0,
  sect: 0,
  media_changed: 1,
  media_rate: 0,
  perpendicular: 0,
  present: false,
})

export const fdcState = (): FdcState => ({
  state: {
    sra: 0x40,
    srb: 0xc0,
    dor_vmstate: 0x0c,
    tdr: 0,
    dsr: 0,
    msr: MSR_RQM,
    status0: 0,
    status1: 0,
    status2: 0,
    fifo: new Uint8Array(FIFO_BYTES),
    data_pos: 0,
    data_len: 1,
    data_state: 0,
    data_dir: 0,
    eot: 0,
    timer0: 0,
    timer1: 0,
    precomp_trk: 0,
    config: 0x60,
    lock: 0,
    pwrd: 0,
    num_floppies: DRIVES,
    drives: [bay(), bay()],
    reset_sensei: 0,
    result_timer: null,
    phase: PHASE_COMMAND,
    dor: 0x0c,
    cur_drv: 0,
  },
})
