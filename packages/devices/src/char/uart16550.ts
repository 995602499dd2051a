/**
 * 16550A UART: a serial port with two FIFOs of 16 bytes.
 *
 * Sending takes no guest time; receiving raises the timeout interrupt after four characters of silence.
 *
 * Spec  [16550] National Semiconductor, PC16550D, 8.0
 * Wire  "serial" version 3
 */
import { device, num, nullChar, reg, type Char } from '@godwit/hw'
import { born, i32, inside, since, struct, timer, u16, u32, u8, type Subsection, type VMState } from '@godwit/vmstate'
import { savedTimer } from '../saved-timer.ts'
import { clear, fifo8, fifo8Vmstate, isFull, pop, push, type Fifo8 } from './fifo8.ts'

// -- registers ------------------------------------------------------------ [16550] 8.0 ----
const IER_RDI = 0x01 // receive data
const IER_THRI = 0x02 // transmitter holding register empty
const IER_RLSI = 0x04 // receiver line status
const IER_MSI = 0x08 // modem status
const IIR_NO_INT = 0x01
const IIR_MSI = 0x00
const IIR_THRI = 0x02
const IIR_RDI = 0x04
const IIR_RLSI = 0x06
const IIR_CTI = 0x0c
const IIR_ID = 0x06
const IIR_FE = 0xc0
const FCR_FE = 0x01
const FCR_RFR = 0x02
const FCR_XFR = 0x04
const LCR_DLAB = 0x80
const MCR_LOOP = 0x10
const MCR_OUT2 = 0x08
const LSR_DR = 0x01
const LSR_OE = 0x02
const LSR_BI = 0x10
const LSR_THRE = 0x20
const LSR_TEMT = 0x40
const LSR_INT_ANY = 0x1e
const MSR_DELTAS = 0x0f
const MSR_CTS_DSR_DCD = 0xb0

const FIFO_BYTES = 16
/** [16550] FCR bits 7 and 6: the number of bytes that raises the receive interrupt. */
const TRIGGER = [1, 4, 8, 14] as const
const NS = 1_000_000_000
/** A sender that was told to try again gives up after this many times. */
const MAX_RETRY = 4

// -- state ---------------------------------------------------------------------------------
export interface SerialState {
  divider: number
  rbr: number
  ier: number
  iir: number
  lcr: number
  mcr: number
  lsr: number
  msr: number
  scr: number
  /** FIFO control; QEMU's name for the copy that travels. */
  fcr_vmstate: number
  /** 1 while the transmitter interrupt waits; -1 while loading, until it is known. */
  thr_ipending: number
  tsr_retry: number
  thr: number
  tsr: number
  recv_fifo: Fifo8
  xmit_fifo: Fifo8
  fifo_timeout_timer: bigint | null
  timeout_ipending: number
  /** -1: the host's port has no modem lines to poll. */
  poll_msl: number
  modem_status_poll: bigint | null
}

export interface UartState {
  state: SerialState
}

type Sub = Subsection<SerialState>
const thrIpending: Sub = {
  name: 'serial/thr_ipending',
  version: 1,
  born: '2.2',
  when: 'the THR-empty pending flag is not what IER and IIR would imply',
  // Without the interrupt enabled THRE is sampled again when it is.
  needed: (s) => (s.ier & IER_THRI) !== 0 && s.thr_ipending !== Number((s.iir & IIR_ID) === IIR_THRI),
}
const tsr: Sub = {
  name: 'serial/tsr',
  version: 1,
  born: '2.2',
  when: 'a transmit retry is under way',
  needed: (s) => s.tsr_retry !== 0,
}
const recvFifo: Sub = {
  name: 'serial/recv_fifo',
  version: 1,
  born: '2.2',
  when: 'the receive FIFO is not empty',
  needed: (s) => s.recv_fifo.num !== 0,
}
const xmitFifo: Sub = {
  name: 'serial/xmit_fifo',
  version: 1,
  born: '2.2',
  when: 'the transmit FIFO is not empty',
  needed: (s) => s.xmit_fifo.num !== 0,
}
const timeoutTimer: Sub = {
  name: 'serial/fifo_timeout_timer',
  version: 1,
  born: '2.2',
  when: 'the FIFO timeout timer is armed',
  needed: (s) => s.fifo_timeout_timer !== null,
}
const timeoutIpending: Sub = {
  name: 'serial/timeout_ipending',
  version: 1,
  born: '2.2',
  when: 'a FIFO timeout interrupt is pending',
  needed: (s) => s.timeout_ipending !== 0,
}
const poll: Sub = {
  name: 'serial/poll',
  version: 1,
  born: '2.2',
  when: 'modem status polling is active (not on backends without modem lines)',
  needed: (s) => s.poll_msl >= 0,
}

const fifo = struct(fifo8Vmstate(FIFO_BYTES))

export const serialVmstate: VMState<SerialState> = {
  name: 'serial',
  version: 3,
  minVersion: 2,
  life: { born: '0.8.0', versions: { 2: '0.9.0', 3: '0.10' } },
  fields: {
    divider: born('0.8.0', since(2, u16)),
    rbr: u8,
    ier: u8,
    iir: u8,
    lcr: u8,
    mcr: u8,
    lsr: u8,
    msr: u8,
    scr: u8,
    fcr_vmstate: since(3, u8),
    thr_ipending: inside(thrIpending, i32),
    tsr_retry: inside(tsr, u32),
    thr: inside(tsr, u8),
    tsr: inside(tsr, u8),
    recv_fifo: inside(recvFifo, since(1, fifo)),
    xmit_fifo: inside(xmitFifo, since(1, fifo)),
    fifo_timeout_timer: inside(timeoutTimer, timer),
    timeout_ipending: inside(timeoutIpending, i32),
    poll_msl: inside(poll, i32),
    modem_status_poll: inside(poll, timer),
  },
  preLoad(s) {
    s.thr_ipending = -1
    s.tsr_retry = 0
    s.poll_msl = -1
    s.fifo_timeout_timer = null
    s.timeout_ipending = 0
    s.modem_status_poll = null
    clear(s.recv_fifo)
    clear(s.xmit_fifo)
  },
  postLoad(s, version) {
    if (version < 3) s.fcr_vmstate = 0
    if (s.thr_ipending === -1) s.thr_ipending = Number((s.iir & IIR_ID) === IIR_THRI)
    const empty = (s.lsr & LSR_TEMT) !== 0
    if (s.tsr_retry > 0 === empty)
      throw new RangeError(`serial: transmitter ${empty ? '' : 'not '}empty with ${s.tsr_retry} tries to send`)
    if (s.tsr_retry > MAX_RETRY) s.tsr_retry = MAX_RETRY
  },
}

export const vmstate: VMState<UartState> = {
  name: 'serial',
  version: 3,
  minVersion: 2,
  life: { born: '0.13' },
  fields: { state: struct(serialVmstate) },
}

const powerOn = (): SerialState => ({
  divider: 12,
  rbr: 0,
  ier: 0,
  iir: IIR_NO_INT,
  lcr: 0,
  mcr: MCR_OUT2,
  lsr: LSR_TEMT | LSR_THRE,
  msr: MSR_CTS_DSR_DCD,
  scr: 0,
  fcr_vmstate: 0,
  thr_ipending: 0,
  tsr_retry: 0,
  thr: 0,
  tsr: 0,
  recv_fifo: fifo8(FIFO_BYTES),
  xmit_fifo: fifo8(FIFO_BYTES),
  fifo_timeout_timer: null,
  timeout_ipending: 0,
  poll_msl: -1,
  modem_status_poll: null,
})

// -- model ---------------------------------------------------------------------------------
export const uart16550 = device({
  type: 'isa-serial',
  doc: '16550A serial port',
  props: {
    baudbase: num(115200, 'bits per second with a divider of 1'),
  },
  wires: ['irq'],
  state: (): UartState => ({ state: powerOn() }),
  vmstate,
  create({ state, props, wires, time }) {
    const s = state.state
    const clock = time.virtual
    let char: Char = nullChar()
    const silence = savedTimer(clock, s, 'fifo_timeout_timer', () => {
      if (s.recv_fifo.num === 0) return
      s.timeout_ipending = 1
      update()
    })
    const resume = clock.timer(transmit)

    const fifoOn = (): boolean => (s.fcr_vmstate & FCR_FE) !== 0
    const dlab = (): boolean => (s.lcr & LCR_DLAB) !== 0
    const looped = (): boolean => (s.mcr & MCR_LOOP) !== 0
    const trigger = (): number => TRIGGER[s.fcr_vmstate >> 6]!

    function cause(): number {
      if ((s.ier & IER_RLSI) !== 0 && (s.lsr & LSR_INT_ANY) !== 0) return IIR_RLSI
      if ((s.ier & IER_RDI) !== 0 && s.timeout_ipending !== 0) return IIR_CTI
      if ((s.ier & IER_RDI) !== 0 && (s.lsr & LSR_DR) !== 0 && (!fifoOn() || s.recv_fifo.num >= trigger()))
        return IIR_RDI
      if ((s.ier & IER_THRI) !== 0 && s.thr_ipending !== 0) return IIR_THRI
      if ((s.ier & IER_MSI) !== 0 && (s.msr & MSR_DELTAS) !== 0) return IIR_MSI
      return IIR_NO_INT
    }

    function update(): void {
      const id = cause()
      s.iir = id | (s.iir & 0xf0)
      wires.irq.set(id !== IIR_NO_INT)
    }

    function startSilence(): void {
      silence.set(clock.now() + BigInt(characterNs(s, props.baudbase) * 4))
    }

    function transmit(): void {
      do {
        if (s.tsr_retry === 0) {
          s.tsr = fifoOn() ? pop(s.xmit_fifo) : s.thr
          if (!fifoOn() || s.xmit_fifo.num === 0) s.lsr |= LSR_THRE
          if ((s.lsr & LSR_THRE) !== 0 && s.thr_ipending === 0) {
            s.thr_ipending = 1
            update()
          }
        }
        s.tsr_retry = 0
        if (looped()) take(s.tsr)
        else char.write(Uint8Array.of(s.tsr))
      } while ((s.lsr & LSR_THRE) === 0)
      s.lsr |= LSR_TEMT
    }

    function room(): number {
      if (!fifoOn()) return (s.lsr & LSR_DR) === 0 ? 1 : 0
      if (isFull(s.recv_fifo)) return 0
      return s.recv_fifo.num <= trigger() ? trigger() - s.recv_fifo.num : 1
    }

    function take(byte: number): void {
      if (fifoOn()) {
        if (isFull(s.recv_fifo)) s.lsr |= LSR_OE
        else push(s.recv_fifo, byte)
        startSilence()
      } else {
        if ((s.lsr & LSR_DR) !== 0) s.lsr |= LSR_OE
        s.rbr = byte
      }
      s.lsr |= LSR_DR
      update()
    }

    function receive(data: Uint8Array): number {
      const count = Math.min(room(), data.length)
      for (let i = 0; i < count; i++) take(data[i]!)
      return count
    }

    function readData(): number {
      if (dlab()) return s.divider & 0xff
      let value = s.rbr
      if (fifoOn()) {
        value = pop(s.recv_fifo)
        if (s.recv_fifo.num === 0) s.lsr &= ~(LSR_DR | LSR_BI)
        else startSilence()
        s.timeout_ipending = 0
      } else {
        s.lsr &= ~(LSR_DR | LSR_BI)
      }
      update()
      if (!looped()) char.ready()
      return value
    }

    function writeData(value: number): void {
      if (dlab()) {
        s.divider = (s.divider & 0xff00) | value
        return
      }
      s.thr = value
      if (fifoOn()) {
        if (isFull(s.xmit_fifo)) pop(s.xmit_fifo)
        push(s.xmit_fifo, value)
      }
      s.thr_ipending = 0
      s.lsr &= ~(LSR_THRE | LSR_TEMT)
      update()
      if (s.tsr_retry === 0) transmit()
    }

    function writeEnable(value: number): void {
      if (dlab()) {
        s.divider = (s.divider & 0x00ff) | (value << 8)
        return
      }
      const changed = (s.ier ^ value) & 0x0f
      s.ier = value & 0x0f
      if ((changed & IER_THRI) !== 0) s.thr_ipending = (s.ier & IER_THRI) !== 0 && (s.lsr & LSR_THRE) !== 0 ? 1 : 0
      if (changed !== 0) update()
    }

    function readIdentification(): number {
      const value = s.iir
      if ((value & 0x0f) === IIR_THRI) {
        s.thr_ipending = 0
        update()
      }
      return value
    }

    function writeFifoControl(written: number): void {
      // [16550] 8.4: switching the FIFOs on or off clears both.
      const value = ((written ^ s.fcr_vmstate) & FCR_FE) !== 0 ? written | FCR_XFR | FCR_RFR : written
      if ((value & FCR_RFR) !== 0) {
        s.lsr &= ~(LSR_DR | LSR_BI)
        silence.cancel()
        s.timeout_ipending = 0
        clear(s.recv_fifo)
      }
      if ((value & FCR_XFR) !== 0) {
        s.lsr |= LSR_THRE
        s.thr_ipending = 1
        clear(s.xmit_fifo)
      }
      s.fcr_vmstate = value & 0xc9
      s.iir = fifoOn() ? s.iir | IIR_FE : s.iir & ~IIR_FE
      update()
      if ((value & FCR_RFR) !== 0 && !looped()) char.ready()
    }

    function readLineStatus(): number {
      const value = s.lsr
      if ((value & (LSR_BI | LSR_OE)) !== 0) {
        s.lsr &= ~(LSR_BI | LSR_OE)
        update()
      }
      return value
    }

    function readModemStatus(): number {
      // [16550] 8.6.4: in loopback the outputs DTR, RTS, OUT1 and OUT2 come back as DSR, CTS, RI and DCD.
      if (looped()) return ((s.mcr & 0x0c) << 4) | ((s.mcr & 0x02) << 3) | ((s.mcr & 0x01) << 5)
      const value = s.msr
      if ((value & MSR_DELTAS) !== 0) {
        s.msr &= ~MSR_DELTAS
        update()
      }
      return value
    }

    return {
      io: {
        RBR_THR: reg(0, 1, 'received byte; byte to send; low byte of the divider', {
          read: readData,
          write: writeData,
        }),
        IER: reg(1, 1, 'interrupt enable; high byte of the divider', {
          read: () => (dlab() ? s.divider >> 8 : s.ier),
          write: writeEnable,
        }),
        IIR_FCR: reg(2, 1, 'interrupt identification; FIFO control', {
          read: readIdentification,
          write: writeFifoControl,
        }),
        LCR: reg(3, 1, 'line control', { read: () => s.lcr, write: (v) => void (s.lcr = v) }),
        MCR: reg(4, 1, 'modem control', { read: () => s.mcr, write: (v) => void (s.mcr = v & 0x1f) }),
        LSR: reg(5, 1, 'line status', { read: readLineStatus }),
        MSR: reg(6, 1, 'modem status', { read: readModemStatus }),
        SCR: reg(7, 1, 'scratch', { read: () => s.scr, write: (v) => void (s.scr = v) }),
      },
      /** The terminal at the other end of the cable. */
      connect(to: Char): void {
        char = to
        char.onData = receive
      },
      reset() {
        silence.cancel()
        resume.cancel()
        const { recv_fifo, xmit_fifo } = s
        Object.assign(s, powerOn(), { recv_fifo, xmit_fifo })
        clear(recv_fifo)
        clear(xmit_fifo)
        wires.irq.lower()
      },
      afterLoad() {
        silence.rearm()
        wires.irq.restore((s.iir & IIR_NO_INT) === 0)
        // The other side's terminal was full; ours takes the byte at once, but not before the machine runs.
        if (s.tsr_retry > 0) resume.set(clock.now())
        else resume.cancel()
      },
    }
  },
})

/** How long one character is on the line. [16550] 8.1 and 8.3 */
function characterNs(s: SerialState, baudbase: number): number {
  const rate = s.divider === 0 ? 9600 : Math.max(1, Math.floor(baudbase / s.divider))
  const bits = 1 + 5 + (s.lcr & 3) + ((s.lcr & 4) !== 0 ? 2 : 1) + ((s.lcr & 8) !== 0 ? 1 : 0)
  return Math.floor((NS / rate) * bits)
}
