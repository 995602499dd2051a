/**
 * IDE function of the PIIX3, 00:01.1: two channels without drives.
 *
 * With nobody on the cable every register reads 0, so that a driver sees at once that the channel is empty.
 *
 * Spec  [PIIX3] Intel, 82371SB PCI ISA IDE Xcelerator, 2.3 · [ATA] ATA/ATAPI-6, 7
 * Wire  "ide" version 3
 */
import { device, handlersOf, reg, type Regs } from '@godwit/hw'
import { PciFunction } from '../pci/pci-function.ts'
import { pciState, type PciBar } from '../pci/pci-state.ts'
import { BM_DMAING, bmdmaState, busState, driveState, vmstate, type IdeBmdmaState, type IdeState } from './ide-state.ts'

const SRST = 0x04 // device control: software reset
const ALWAYS = 0xa0 // device: bits that are always set
const DEV1 = 0x10
const BM_START = 0x01
const BM_COMMAND = 0x09
const BM_CLEARABLE = 0x06
const BM_DRIVES = 0x60

const BUS_MASTER: PciBar = { index: 4, kind: 'io', sizeBytes: 16 }

export const piix3Ide = device({
  type: 'piix3-ide',
  doc: 'IDE with two channels',
  props: {},
  wires: ['irq0', 'irq1'],
  state: (): IdeState => ({
    parent_obj: pciState({
      vendor: 0x8086,
      device: 0x7010,
      classCode: 0x01_01_80,
      status: 0x0280,
      bars: [BUS_MASTER],
    }),
    bmdma: [bmdmaState(), bmdmaState()],
    bus: [busState(), busState()],
    'bus[0].ifs': [driveState(), driveState()],
    'bus[1].ifs': [driveState(), driveState()],
  }),
  vmstate,
  create({ state: s, wires }) {
    const { config } = s.parent_obj
    const busMaster: Regs = Object.fromEntries(s.bmdma.flatMap((bm, n) => bmdmaRegs(bm, n)))

    const pci = new PciFunction(s.parent_obj, {
      bars: [
        {
          ...BUS_MASTER,
          region: { kind: 'io', name: 'piix-bmdma', base: 0, size: 16, io: handlersOf(busMaster) },
        },
      ],
    })

    /** A write to a task file register reaches both drives of the channel; the former value stays behind it. */
    function latch(n: 0 | 1, key: 'feature' | 'nsector' | 'sector' | 'lcyl' | 'hcyl', value: number): void {
      s.bus[n]!.cmd &= 0x7f
      for (const drive of s[`bus[${n}].ifs`]) {
        drive[`hob_${key}`] = drive[key] & 0xff
        drive[key] = value
      }
    }

    function select(n: 0 | 1, value: number): void {
      for (const drive of s[`bus[${n}].ifs`]) drive.select = value | ALWAYS
      s.bus[n]!.unit = (value & DEV1) !== 0 ? 1 : 0
    }

    function control(n: 0 | 1, value: number): void {
      const bus = s.bus[n]!
      if ((bus.cmd & SRST) !== 0 && (value & SRST) === 0) {
        for (const drive of s[`bus[${n}].ifs`])
          Object.assign(drive, { nsector: 1, sector: 1, lcyl: 0xff, hcyl: 0xff, status: 0x50, error: 1 })
        bus.unit = 0
      }
      bus.cmd = value
    }

    const empty = { read: () => 0 }
    const channel = (n: 0 | 1): Regs => {
      const latched = (key: Parameters<typeof latch>[1]) => ({
        ...empty,
        write: (v: number) => latch(n, key, v),
      })
      return {
        DATA: reg(0, 1, 'data, two or four bytes at once', { ...empty, wide: true }),
        FEATURES: reg(1, 1, 'error; features', latched('feature')),
        COUNT: reg(2, 1, 'sector count', latched('nsector')),
        LBA_LOW: reg(3, 1, 'sector, or bits 7-0 of the block', latched('sector')),
        LBA_MID: reg(4, 1, 'cylinder low, or bits 15-8', latched('lcyl')),
        LBA_HIGH: reg(5, 1, 'cylinder high, or bits 23-16', latched('hcyl')),
        DEVICE: reg(6, 1, 'which drive, and bits 27-24', { ...empty, write: (v) => select(n, v) }),
        STATUS_COMMAND: reg(7, 1, 'status; command, which nobody hears', { ...empty, write: () => undefined }),
      }
    }
    const controlPort = (n: 0 | 1): Regs => ({
      ALTSTATUS_DEVCTL: reg(0, 1, 'alternate status; device control', { ...empty, write: (v) => control(n, v) }),
    })

    return {
      pci,
      /** Base is port 0x1f0. */
      primary: channel(0),
      /** Base is port 0x3f6. */
      primaryControl: controlPort(0),
      /** Base is port 0x170. */
      secondary: channel(1),
      /** Base is port 0x376. */
      secondaryControl: controlPort(1),
      reset() {
        pci.reset()
        config.fill(0, 0x40)
        for (const n of [0, 1] as const) {
          Object.assign(s.bmdma[n]!, bmdmaState())
          Object.assign(s.bus[n]!, busState())
          for (const drive of s[`bus[${n}].ifs`]) {
            const { identify_data } = drive
            Object.assign(drive, driveState(), { identify_data: identify_data.fill(0) })
          }
        }
        wires.irq0.lower()
        wires.irq1.lower()
      },
      afterLoad() {
        for (const channel of [0, 1] as const) {
          const drive = s[`bus[${channel}].ifs`].findIndex((d) => d.identify_set !== 0)
          if (drive >= 0)
            throw new Error(`no drive on channel ${channel}: the guest knows its drive ${drive}, which is not here`)
        }
        pci.afterLoad()
        wires.irq0.restore(false)
        wires.irq1.restore(false)
      },
    }
  },
})

/** Bus master registers of one channel. [PIIX3] 2.7 */
function bmdmaRegs(bm: IdeBmdmaState, n: number): [string, Regs[string]][] {
  function command(value: number): void {
    if (((value ^ bm.cmd) & BM_START) !== 0) {
      if ((value & BM_START) !== 0) {
        bm.cur_addr = bm.addr
        bm.status |= BM_DMAING
      } else {
        bm.status &= ~BM_DMAING
      }
    }
    bm.cmd = value & BM_COMMAND
  }
  function status(value: number): void {
    bm.status = (value & BM_DRIVES) | (bm.status & BM_DMAING) | (bm.status & ~value & BM_CLEARABLE)
  }
  return [
    [`BMICOM${n}`, reg(8 * n, 1, 'start and direction', { read: () => bm.cmd, write: command })],
    [
      `BMISTA${n}`,
      reg(8 * n + 2, 1, 'status; ones clear error and interrupt', { read: () => bm.status, write: status }),
    ],
    [
      `BMIDTP${n}`,
      reg(8 * n + 4, 4, 'address of the descriptor table', {
        read: (at) => bm.addr >>> (8 * at),
        write(value, at, size) {
          const mask = (size === 4 ? 0xffff_ffff : (1 << (8 * size)) - 1) << (8 * at)
          bm.addr = ((bm.addr & ~mask) | ((value << (8 * at)) & mask & ~3)) >>> 0
        },
      }),
    ],
  ]
}
