/**
 * The speaker port: gate of timer counter 2, speaker data, and a bit that toggles.
 *
 * The guest sees one port, 0x61. Firmware and kernels use it to time themselves by counter 2. There is no sound.
 *
 * Spec  [PIIX] Intel, 82371AB (PIIX4) data sheet, "NMI status and control register"
 * Wire  "pcspk" version 1
 */
import { device, flag, reg } from '@godwit/hw'
import { u8, type VMState } from '@godwit/vmstate'

// -- registers ----------------------------------------------------------------------------
const GATE = 0x01
const DATA = 0x02
const REFRESH = 0x10 // toggles with each refresh of memory; here with each read
const OUT = 0x20

// -- state ----------------------------------------------------------------------------------
export interface PcspkState {
  data_on: number
  dummy_refresh_clock: number
}

// -- description ------------------------------------------------------------------------------
const vmstate: VMState<PcspkState> = {
  name: 'pcspk',
  version: 1,
  minVersion: 1,
  life: { born: '2.8', gate: { type: 'isa-pcspk', property: 'migrate', value: 'false', offFor: '2.7', until: '11.0' } },
  fields: { data_on: u8, dummy_refresh_clock: u8 },
}

/** Counter 2 of the interval timer, as the port shows it. */
export interface SpeakerCounter {
  gate2(): boolean
  setGate2(level: boolean): void
  out2(): boolean
}

// -- definition -------------------------------------------------------------------------------
export const pcspk = device({
  type: 'isa-pcspk',
  doc: 'Port 0x61: speaker and counter 2',
  props: { migrate: flag(true, 'has a section in the stream; off for machines before 2.8') },
  wires: [],
  state: (): PcspkState => ({ data_on: 0, dummy_refresh_clock: 0 }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s }) {
    const links: { counter: SpeakerCounter | undefined } = { counter: undefined }
    return {
      io: {
        control: reg(0, 1, 'gate and data; reads the refresh bit and the output of counter 2', {
          read() {
            s.dummy_refresh_clock ^= REFRESH
            const gate = links.counter?.gate2() === true ? GATE : 0
            const out = links.counter?.out2() === true ? OUT : 0
            return gate | (s.data_on << 1) | s.dummy_refresh_clock | out
          },
          write(v) {
            s.data_on = (v & DATA) >> 1
            links.counter?.setGate2((v & GATE) !== 0)
          },
        }),
      },
      sizes: { min: 1, max: 1 } as const,
      /** Set by the board: the i8254's model. */
      links,
      /** The gate is the timer's to keep: nothing to reset here. */
      reset: () => undefined,
    }
  },
})
