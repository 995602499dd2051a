/** State of the local APIC, its description, and the arithmetic of its 256-bit registers. Wire: "apic" version 3. */
import { born, array, i32, i64, inside, timer, u32, u8, type Subsection, type VMState } from '@godwit/vmstate'

export const BASE_BSP = 0x100
export const BASE_ENABLE = 0x800
export const BASE_DEFAULT = 0xfee0_0000
export const LVT_MASKED = 0x1_0000

// -- state ----------------------------------------------------------------------------------
export interface ApicState {
  apicbase: number
  id: number
  arb_id: number
  tpr: number
  spurious_vec: number
  log_dest: number
  dest_mode: number
  isr: Uint32Array
  tmr: Uint32Array
  irr: Uint32Array
  lvt: Uint32Array
  esr: number
  icr: Uint32Array
  divide_conf: number
  count_shift: number
  initial_count: number
  initial_count_load_time: bigint
  next_time: bigint
  timer_expiry: bigint | null
  sipi_vector: number
  wait_for_sipi: number
}

// -- description ------------------------------------------------------------------------------
const sipi: Subsection<ApicState> = {
  name: 'apic_sipi',
  version: 1,
  born: '2.2',
  when: 'the CPU still waits for its start-up IPI',
  needed: (s) => s.wait_for_sipi !== 0,
}

export const vmstate: VMState<ApicState> = {
  name: 'apic',
  version: 3,
  minVersion: 3,
  life: { born: '0.7.1', versions: { 2: '0.9.0' } },
  fields: {
    apicbase: u32,
    id: u8,
    arb_id: u8,
    tpr: u8,
    spurious_vec: u32,
    log_dest: u8,
    dest_mode: u8,
    isr: array(u32, 8),
    tmr: array(u32, 8),
    irr: array(u32, 8),
    lvt: array(u32, 6),
    esr: u32,
    icr: array(u32, 2),
    divide_conf: u32,
    count_shift: i32,
    initial_count: u32,
    initial_count_load_time: i64,
    next_time: i64,
    timer_expiry: born('0.9.0', { ...timer, type: 'int64' }),
    sipi_vector: inside(sipi, i32),
    wait_for_sipi: inside(sipi, i32),
  },
  preLoad(s) {
    s.wait_for_sipi = 0
    s.sipi_vector = 0
  },
  postLoad(s) {
    if (s.count_shift < 0 || s.count_shift > 7) throw new RangeError(`count_shift 0 to 7, came ${s.count_shift}`)
  },
}

export const apicState = (props: { readonly id: number; readonly bsp: boolean }): ApicState => ({
  apicbase: (BASE_DEFAULT | BASE_ENABLE | (props.bsp ? BASE_BSP : 0)) >>> 0,
  id: props.id,
  arb_id: 0,
  tpr: 0,
  spurious_vec: 0xff,
  log_dest: 0,
  dest_mode: 0xf,
  isr: new Uint32Array(8),
  tmr: new Uint32Array(8),
  irr: new Uint32Array(8),
  lvt: new Uint32Array(6).fill(LVT_MASKED),
  esr: 0,
  icr: new Uint32Array(2),
  divide_conf: 0,
  count_shift: 0,
  initial_count: 0,
  initial_count_load_time: 0n,
  next_time: 0n,
  timer_expiry: null,
  sipi_vector: 0,
  wait_for_sipi: props.bsp ? 0 : 1,
})

// -- arithmetic -------------------------------------------------------------------------------
/** Delivery mode of an LVT entry or the ICR. */
export const modeOf = (entry: number): number => (entry >> 8) & 7

/** Highest bit that is set of 256, or -1. */
export function highest(words: Uint32Array): number {
  for (let i = 7; i >= 0; i--) {
    const word = words[i]!
    if (word !== 0) return i * 32 + 31 - Math.clz32(word)
  }
  return -1
}

export const getBit = (words: Uint32Array, bit: number): boolean => ((words[bit >> 5]! >>> (bit & 31)) & 1) !== 0

export function setBit(words: Uint32Array, bit: number, on: boolean): void {
  const mask = 1 << (bit & 31)
  if (on) words[bit >> 5]! |= mask
  else words[bit >> 5]! &= ~mask
}
