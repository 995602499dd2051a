/**
 * 82078 floppy disk controller without drives: a driver can talk to it and finds nothing.
 *
 * Spec  [82078] Intel, 82078 44 Pin CHMOS Single-Chip Floppy Disk Controller
 * Wire  "fdc" version 2
 */
import { device, reg } from '@godwit/hw'
import { savedTimer } from '../saved-timer.ts'
import {
  fdcState,
  FIFO_BYTES,
  MSR_BUSY,
  MSR_DIO,
  MSR_NON_DMA,
  MSR_RQM,
  PHASE_COMMAND,
  PHASE_EXECUTION,
  PHASE_RESULT,
  vmstate,
  type FloppyDriveState,
} from './fdc-state.ts'

// -- registers ---------------------------------------------------------- [82078] 2.1 ----
const SRA_INTPEND = 0x80
const SRA_NO_DRIVE_2 = 0x40
const SRB_POWER_ON = 0xc0
const DOR_RUN = 0x04
const DOR_DMA = 0x08
const TDR_BOOT = 0x04
const DSR_RESET = 0x80
const DSR_POWER_DOWN = 0x40
const DIR_CHANGED = 0x80
const ST0_READY_CHANGED = 0xc0
const ST0_ABNORMAL = 0x40
const ST0_SEEK = 0x20
const ST1_END_OF_TRACK = 0x80
const ST1_NO_MARK = 0x01
const INVALID = 0x80
const READ_ID_NS = 20_000_000n
const WRITING = 0
const READING = 1

interface Command {
  readonly value: number
  readonly mask: number
  readonly parameters: number
  run(): void
}

export const fdc = device({
  type: 'isa-fdc',
  doc: 'Floppy disk controller',
  props: {},
  wires: ['irq'],
  state: fdcState,
  vmstate,
  create({ state, wires, time }) {
    const s = state.state
    const { fifo } = s
    const timer = savedTimer(time.virtual, s, 'result_timer', () => {
      if ((s.dsr & 3) !== drive().media_rate) fail(ST0_ABNORMAL, ST1_NO_MARK)
      else fail(0, 0)
    })

    const drive = (): FloppyDriveState => s.drives[s.cur_drv]!
    const running = (): boolean => (s.dor & DOR_RUN) !== 0

    function raise(): void {
      s.sra |= SRA_INTPEND
      s.reset_sensei = 0
      wires.irq.raise()
    }

    function lower(): void {
      s.status0 = 0
      s.sra &= ~SRA_INTPEND
      wires.irq.lower()
    }

    function toCommand(): void {
      s.phase = PHASE_COMMAND
      s.data_dir = WRITING
      s.data_pos = 0
      s.data_len = 1
      s.msr = (s.msr & ~(MSR_BUSY | MSR_DIO)) | MSR_RQM
    }

    function toResult(length: number): void {
      s.phase = PHASE_RESULT
      s.data_dir = READING
      s.data_pos = 0
      s.data_len = length
      s.msr |= MSR_BUSY | MSR_RQM | MSR_DIO
    }

    function answer(...bytes: number[]): void {
      fifo.set(bytes)
      toResult(bytes.length)
    }

    function resetChip(interrupt: boolean): void {
      lower()
      timer.cancel()
      Object.assign(s, { sra: SRA_NO_DRIVE_2, srb: SRB_POWER_ON, cur_drv: 0, dor: DOR_RUN | DOR_DMA, msr: MSR_RQM })
      Object.assign(s, { reset_sensei: 0, data_pos: 0, data_len: 0, data_state: 0, data_dir: WRITING })
      for (const d of s.drives) d.track = 0
      toCommand()
      if (!interrupt) return
      s.status0 |= ST0_READY_CHANGED
      raise()
      s.reset_sensei = 4
    }

    /** The seven result bytes of a transfer, and the interrupt. [82078] 6.1 */
    function fail(st0: number, st1: number): void {
      const d = drive()
      s.status0 = (s.status0 & ~7) | s.cur_drv | ((d.head & 1) << 2) | st0
      s.status1 |= st1
      s.msr &= ~MSR_NON_DMA
      answer(s.status0, s.status1, s.status2, d.track, d.head, d.sect, 2)
      raise()
    }

    function target(): void {
      s.cur_drv = fifo[1]! & 1
    }

    function transfer(): void {
      target()
      const [, , track, head, sector] = fifo as unknown as readonly [number, number, number, number, number]
      s.status1 = 0
      s.status2 = 0
      // No disk has no tracks but the first, one side, and no sectors at all.
      if (track > 0 || head > 0) fail(ST0_ABNORMAL, 0)
      else fail(ST0_ABNORMAL, sector > 0 ? ST1_END_OF_TRACK : ST1_NO_MARK)
      fifo.set([track, head, sector], 3)
    }

    /** A drive that is not there does not move, but it seems to arrive. */
    function seekTo(track: number): void {
      toCommand()
      if (track === 0) drive().track = 0
      s.status0 |= ST0_SEEK
      raise()
    }

    function senseInterrupt(): void {
      if (s.reset_sensei > 0) {
        const n = 4 - s.reset_sensei--
        answer(ST0_READY_CHANGED + n, s.drives[n]?.track ?? 0)
      } else if ((s.sra & SRA_INTPEND) === 0) {
        answer(INVALID)
        return
      } else {
        answer((s.status0 & ~7) | s.cur_drv, drive().track)
      }
      lower()
      s.status0 = ST0_READY_CHANGED
    }

    function specify(): void {
      s.timer0 = fifo[1]! >> 4
      s.timer1 = fifo[2]! >> 1
      s.dor = (fifo[2]! & 1) !== 0 ? s.dor & ~DOR_DMA : s.dor | DOR_DMA
      toCommand()
    }

    function senseDrive(): void {
      target()
      const d = drive()
      d.head = (fifo[1]! >> 2) & 1
      answer(0x68 | (d.track === 0 ? 0x10 : 0) | (d.head << 2) | s.cur_drv)
    }

    function dumpRegisters(): void {
      answer(
        s.drives[0]!.track,
        s.drives[1]!.track,
        0,
        0,
        s.timer0,
        ((s.timer1 << 1) | ((s.dor & DOR_DMA) !== 0 ? 1 : 0)) & 0xff,
        0,
        (s.lock << 7) | (drive().perpendicular << 2),
        s.config,
        s.precomp_trk,
      )
    }

    const command = (value: number, mask: number, parameters: number, run: () => void): Command => ({
      value,
      mask,
      parameters,
      run,
    })
    const commands: readonly Command[] = [
      ...[0x06, 0x0c, 0x11, 0x16, 0x19, 0x1d].map((v) => command(v, 0x1f, 8, transfer)),
      ...[0x05, 0x09].map((v) => command(v, 0x3f, 8, transfer)),
      command(0x02, 0xbf, 8, transfer),
      command(0x0d, 0xbf, 5, transfer),
      command(0x0f, 0xff, 2, () => {
        target()
        seekTo(fifo[2]!)
      }),
      command(0x8f, 0xff, 2, () => {
        target()
        seekTo(drive().track - fifo[2]!)
      }),
      command(0xcf, 0xff, 2, () => {
        target()
        seekTo(drive().track + fifo[2]!)
      }),
      command(0x07, 0xff, 1, () => {
        target()
        seekTo(0)
      }),
      command(0x08, 0xff, 0, senseInterrupt),
      command(0x03, 0xff, 2, specify),
      command(0x04, 0xff, 1, senseDrive),
      command(0x0a, 0xbf, 1, () => {
        drive().head = (fifo[1]! >> 2) & 1
        timer.set(time.virtual.now() + READ_ID_NS)
      }),
      command(0x0e, 0xff, 0, dumpRegisters),
      command(0x10, 0xff, 0, () => answer(0x90)),
      command(0x18, 0xff, 0, () => answer(0x41)),
      command(0x14, 0x7f, 0, () => {
        s.lock = fifo[0]! >> 7
        answer(s.lock << 4)
      }),
      command(0x12, 0xff, 1, () => {
        if ((fifo[1]! & 0x80) !== 0) drive().perpendicular = fifo[1]! & 7
        toCommand()
      }),
      command(0x13, 0xff, 3, () => {
        s.config = fifo[2]!
        s.precomp_trk = fifo[3]!
        toCommand()
      }),
      command(0x17, 0xff, 2, () => {
        s.pwrd = fifo[1]!
        answer(fifo[1]!)
      }),
      command(0x33, 0xff, 1, toCommand),
      command(0x8e, 0xff, 5, () => (fifo[s.data_pos - 1]! & 0x80 ? answer(0) : toCommand())),
      command(0x2e, 0xff, 0, () =>
        answer(
          0,
          0,
          s.drives[0]!.track,
          s.drives[1]!.track,
          0,
          0,
          s.timer0,
          s.timer1,
          0,
          s.lock << 7,
          s.config,
          s.precomp_trk,
          s.pwrd,
          0,
          0,
        ),
      ),
      command(0x4e, 0xff, 17, () => {
        s.drives[0]!.track = fifo[3]!
        s.drives[1]!.track = fifo[4]!
        s.timer0 = fifo[7]!
        s.timer1 = fifo[8]!
        s.lock = fifo[10]! >> 7
        s.config = fifo[11]!
        s.precomp_trk = fifo[12]!
        s.pwrd = fifo[13]!
        toCommand()
      }),
    ]
    const invalid = command(0, 0, 0, () => answer(INVALID))
    const commandOf = (first: number): Command => commands.find((c) => (first & c.mask) === c.value) ?? invalid

    function writeFifo(value: number): void {
      if (!running() || (s.msr & (MSR_RQM | MSR_DIO)) !== MSR_RQM || s.phase !== PHASE_COMMAND) return
      s.dsr &= ~DSR_POWER_DOWN
      const at = s.data_pos++ % FIFO_BYTES
      fifo[at] = value
      const wanted = commandOf(fifo[0]!)
      if (at === 0) {
        s.data_len = wanted.parameters + 1
        s.msr |= MSR_BUSY
      }
      if (s.data_pos < s.data_len) return
      s.msr &= ~MSR_RQM
      s.phase = PHASE_EXECUTION
      wanted.run()
    }

    function readFifo(): number {
      s.dsr &= ~DSR_POWER_DOWN
      if ((s.msr & (MSR_RQM | MSR_DIO)) !== (MSR_RQM | MSR_DIO) || s.phase !== PHASE_RESULT) return 0
      const value = fifo[s.data_pos % FIFO_BYTES]!
      s.data_pos++
      if (s.data_pos >= s.data_len) {
        toCommand()
        lower()
      }
      return value
    }

    function writeDor(value: number): void {
      s.srb = (s.srb & ~0x23) | ((value >> 4) & 3) | ((value & 1) << 5)
      if ((value & DOR_RUN) !== 0 && !running()) {
        resetChip(true)
        s.dsr &= ~DSR_POWER_DOWN
      }
      s.cur_drv = value & 1
      s.dor = value & ~3
    }

    function writeRate(value: number): void {
      if (!running()) return
      if ((value & DSR_RESET) !== 0) resetChip(true)
      if ((value & DSR_POWER_DOWN) !== 0) resetChip(true)
      s.dsr = value
    }

    function readMain(): number {
      s.dsr &= ~DSR_POWER_DOWN
      s.dor |= DOR_RUN
      return s.msr
    }

    return {
      /** Base is port 0x3f0; 0x3f0 and 0x3f6 are not the controller's in a PC. */
      io: {
        SRB: reg(1, 1, 'status B', { read: () => s.srb }),
        DOR: reg(2, 1, 'digital output: drive, motors, reset', {
          read: () => s.dor | s.cur_drv,
          write: writeDor,
        }),
        TDR: reg(3, 1, 'tape drive', {
          read: () => s.tdr,
          write: (v) => void (running() && (s.tdr = v & TDR_BOOT)),
        }),
        MSR_DSR: reg(4, 1, 'main status; data rate', { read: readMain, write: writeRate }),
        FIFO: reg(5, 1, 'commands, parameters, results', { read: readFifo, write: writeFifo }),
        DIR_CCR: reg(7, 1, 'digital input; data rate', {
          read: () => (drive().media_changed !== 0 ? DIR_CHANGED : 0),
          write: (v) => void (running() && (s.dsr = (s.dsr & ~3) | (v & 3))),
        }),
      },
      reset: () => resetChip(false),
      afterLoad() {
        timer.rearm()
        wires.irq.restore((s.sra & SRA_INTPEND) !== 0)
      },
    }
  },
})
