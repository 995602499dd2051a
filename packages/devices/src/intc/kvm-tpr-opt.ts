/**
 * State of the option ROM that patches accesses to the task priority in old Windows guests.
 *
 * QEMU makes this device under TCG as well, and every stream of a PC has its section. The guest sees one port, 0x7e:
 * a word written there by the ROM says where it lies. Nothing is patched here.
 *
 * Spec  none but QEMU's
 * Wire  "kvm-tpr-opt" version 1
 */
import { device, reg } from '@godwit/hw'
import { array, struct, u32, unused, type VMState } from '@godwit/vmstate'

// -- registers ----------------------------------------------------------------------------
const INACTIVE = 0
const STANDBY = 2
const ROM_BLOCK = 0x800 // option ROMs begin at multiples of this

// -- state ----------------------------------------------------------------------------------
export interface TprHandlers {
  set_tpr: number
  set_tpr_eax: number
  get_tpr: Uint32Array
  get_tpr_stack: number
}

export interface TprRom {
  vaddr: number
  fixup_start: number
  fixup_end: number
  vapic_vaddr: number
  vapic_size: number
  vcpu_shift: number
  real_tpr_addr: number
  up: TprHandlers
  mp: TprHandlers
}

export interface TprState {
  rom_state: TprRom
  state: number
  real_tpr_addr: number
  rom_state_vaddr: number
  vapic_paddr: number
  rom_state_paddr: number
}

// -- description ------------------------------------------------------------------------------
const handlers: VMState<TprHandlers> = {
  name: 'kvmvapic-handlers',
  version: 1,
  minVersion: 1,
  life: { born: '1.1' },
  fields: { set_tpr: u32, set_tpr_eax: u32, get_tpr: array(u32, 8), get_tpr_stack: u32 },
}

const rom: VMState<TprRom> = {
  name: 'kvmvapic-guest-rom',
  version: 1,
  minVersion: 1,
  life: { born: '1.1' },
  fields: {
    unused: unused(8, {
      born: '1.1',
      was: 'nothing: the place of the signature of the ROM',
      lastWriter: null,
      unversioned: ['isapc', 'microvm'],
    }),
    vaddr: u32,
    fixup_start: u32,
    fixup_end: u32,
    vapic_vaddr: u32,
    vapic_size: u32,
    vcpu_shift: u32,
    real_tpr_addr: u32,
    up: struct(handlers),
    mp: struct(handlers),
  },
}

const vmstate: VMState<TprState> = {
  name: 'kvm-tpr-opt',
  version: 1,
  minVersion: 1,
  life: { born: '1.1' },
  fields: {
    rom_state: struct(rom),
    state: u32,
    real_tpr_addr: u32,
    rom_state_vaddr: u32,
    vapic_paddr: u32,
    rom_state_paddr: u32,
  },
}

const noHandlers = (): TprHandlers => ({ set_tpr: 0, set_tpr_eax: 0, get_tpr: new Uint32Array(8), get_tpr_stack: 0 })

// -- definition -------------------------------------------------------------------------------
export const kvmTprOpt = device({
  type: 'kvmvapic',
  doc: 'Port of the task-priority option ROM',
  props: {},
  wires: [],
  state: (): TprState => ({
    rom_state: {
      vaddr: 0,
      fixup_start: 0,
      fixup_end: 0,
      vapic_vaddr: 0,
      vapic_size: 0,
      vcpu_shift: 0,
      real_tpr_addr: 0,
      up: noHandlers(),
      mp: noHandlers(),
    },
    state: INACTIVE,
    real_tpr_addr: 0,
    rom_state_vaddr: 0,
    vapic_paddr: 0,
    rom_state_paddr: 0,
  }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s }) {
    const links: { codeAddress: (() => number) | undefined } = { codeAddress: undefined }
    return {
      io: {
        port: reg(0, 2, 'a word: offset of the state in the option ROM that runs', {
          write(value, _at, size) {
            if (size !== 2 || links.codeAddress === undefined) return
            const start = links.codeAddress() & ~(ROM_BLOCK - 1)
            s.rom_state_paddr = (start + (value & 0xffff)) >>> 0
            s.state = STANDBY
          },
        }),
      },
      /** Set by the board: linear address of the instruction that runs. Without it the port does nothing. */
      links,
      reset() {
        s.state = INACTIVE
        s.rom_state_paddr = 0
        s.rom_state_vaddr = 0
        s.vapic_paddr = 0
      },
    }
  },
})
