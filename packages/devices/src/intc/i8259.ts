/**
 * i8259A programmable interrupt controller: one chip. A PC has two, the second on input 2 of the first.
 *
 * The guest sees two ports (commands, mask) and, beside them, the edge/level register of the chip set.
 * `i8259Pair` makes the acknowledge cycle of both.
 *
 * Spec  [8259A] Intel, 8259A Programmable Interrupt Controller, order number 231468
 *       [ELCR] Intel, 82371AB (PIIX4) data sheet, "Edge/Level Control Registers"
 * Wire  "i8259" version 1, instance 0 first chip, 1 second
 */
import { device, flag, num, reg, wire, type InterruptSource, type IrqLine } from '@godwit/hw'
import { born, inside, u8, type Subsection, type VMState } from '@godwit/vmstate'

// -- registers --------------------------------------------------- [8259A] "Programming" ----
const ICW1 = 0x10 // A0 = 0: begins initialization
const ICW1_LTIM = 0x08 // all inputs level triggered
const ICW1_SNGL = 0x02 // no cascade, no ICW3
const ICW1_IC4 = 0x01 // ICW4 follows
const OCW3 = 0x08 // A0 = 0: read and poll commands
const OCW3_ESMM = 0x40 // bit 5 is meant
const OCW3_POLL = 0x04
const OCW3_RR = 0x02 // bit 0 selects ISR or IRR
const POLL_PENDING = 0x80
/** Answer of a chip whose request went away before it was acknowledged. [8259A] "Interrupt sequence" */
const SPURIOUS = 7
const CASCADE = 2

// -- state ----------------------------------------------------------------------------------
export interface I8259State {
  last_irr: number
  irr: number
  imr: number
  isr: number
  priority_add: number
  irq_base: number
  read_reg_select: number
  poll: number
  special_mask: number
  init_state: number
  auto_eoi: number
  rotate_on_auto_eoi: number
  special_fully_nested_mode: number
  init4: number
  single_mode: number
  elcr: number
  ltim: number
}

// -- description ------------------------------------------------------------------------------
const ltim: Subsection<I8259State> = {
  name: 'i8259/ltim',
  version: 1,
  born: '8.0',
  when: 'level-triggered mode (LTIM) is set',
  needed: (s) => s.ltim !== 0,
}

const vmstate: VMState<I8259State> = {
  name: 'i8259',
  version: 1,
  minVersion: 1,
  life: { born: '0.6.0' },
  fields: {
    last_irr: u8,
    irr: u8,
    imr: u8,
    isr: u8,
    priority_add: u8,
    irq_base: u8,
    read_reg_select: u8,
    poll: u8,
    special_mask: u8,
    init_state: u8,
    auto_eoi: u8,
    rotate_on_auto_eoi: u8,
    special_fully_nested_mode: u8,
    init4: u8,
    single_mode: born('0.9.1', u8),
    elcr: u8,
    ltim: inside(ltim, u8),
  },
  preLoad(s) {
    s.ltim = 0
  },
}

// -- definition -------------------------------------------------------------------------------
export const i8259 = device({
  type: 'isa-i8259',
  doc: 'Programmable interrupt controller, eight inputs',
  props: {
    master: flag(true, 'the first chip of the pair'),
    elcr_mask: num(0xf8, 'inputs whose edge/level bit can be set: 0xf8 first chip, 0xde second'),
  },
  wires: ['int'],
  state: (): I8259State => ({
    last_irr: 0,
    irr: 0,
    imr: 0,
    isr: 0,
    priority_add: 0,
    irq_base: 0,
    read_reg_select: 0,
    poll: 0,
    special_mask: 0,
    init_state: 0,
    auto_eoi: 0,
    rotate_on_auto_eoi: 0,
    special_fully_nested_mode: 0,
    init4: 0,
    single_mode: 0,
    elcr: 0,
    ltim: 0,
  }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s, props, wires }) {
    /** Rank of the highest request in a mask: 0 is best, 8 means none. */
    const rankOf = (mask: number): number => {
      let rank = 0
      while (rank < 8 && (mask & (1 << ((rank + s.priority_add) & 7))) === 0) rank++
      return rank
    }
    const inputAt = (rank: number): number => (rank + s.priority_add) & 7
    const isLevel = (mask: number): boolean => s.ltim !== 0 || (s.elcr & mask) !== 0

    /** The input whose request would be taken now; -1 if none. */
    function request(): number {
      const wanted = rankOf(s.irr & ~s.imr)
      if (wanted === 8) return -1
      let busy = s.isr
      if (s.special_mask !== 0) busy &= ~s.imr
      // the second chip may ask again while one of its requests is in service. [8259A] "Special fully nested mode"
      if (s.special_fully_nested_mode !== 0 && props.master) busy &= ~(1 << CASCADE)
      return wanted < rankOf(busy) ? inputAt(wanted) : -1
    }

    function update(): void {
      wires.int.set(request() >= 0)
    }

    function input(line: number, level: boolean): void {
      const mask = 1 << line
      if (isLevel(mask)) {
        s.irr = level ? s.irr | mask : s.irr & ~mask
      } else if (level && (s.last_irr & mask) === 0) {
        s.irr |= mask
      }
      s.last_irr = level ? s.last_irr | mask : s.last_irr & ~mask
      update()
    }

    /** The acknowledge cycle for one input. */
    function take(line: number): void {
      const mask = 1 << line
      if (s.auto_eoi === 0) s.isr |= mask
      else if (s.rotate_on_auto_eoi !== 0) s.priority_add = (line + 1) & 7
      if (!isLevel(mask)) s.irr &= ~mask
      update()
    }

    function initialize(): void {
      s.last_irr = 0
      s.irr &= s.elcr
      s.imr = s.isr = 0
      s.priority_add = s.irq_base = 0
      s.read_reg_select = s.poll = s.special_mask = 0
      s.init_state = s.init4 = s.single_mode = s.ltim = 0
      s.auto_eoi = s.rotate_on_auto_eoi = s.special_fully_nested_mode = 0
      update()
    }

    function writeCommand(value: number): void {
      if (value & ICW1) {
        initialize()
        s.init_state = 1
        s.init4 = value & ICW1_IC4
        s.single_mode = value & ICW1_SNGL
        s.ltim = value & ICW1_LTIM
      } else if (value & OCW3) {
        if (value & OCW3_POLL) s.poll = 1
        if (value & OCW3_RR) s.read_reg_select = value & 1
        if (value & OCW3_ESMM) s.special_mask = (value >> 5) & 1
      } else {
        endOfInterrupt(value >> 5, value & 7)
      }
    }

    /** OCW2: bit 0 ends an interrupt, bit 1 names it, bit 2 rotates. [8259A] "Operation command words" */
    function endOfInterrupt(command: number, named: number): void {
      if (command === 0 || command === 4) {
        s.rotate_on_auto_eoi = command >> 2
        return
      }
      if (command === 2) return
      let line = named
      if (command === 1 || command === 5) {
        const rank = rankOf(s.isr)
        if (rank === 8) return
        line = inputAt(rank)
      }
      if (command & 1) s.isr &= ~(1 << line)
      if (command & 4) s.priority_add = (line + 1) & 7
      update()
    }

    function writeData(value: number): void {
      switch (s.init_state) {
        case 1:
          s.irq_base = value & 0xf8
          s.init_state = s.single_mode === 0 ? 2 : s.init4 === 0 ? 0 : 3
          break
        case 2:
          s.init_state = s.init4 === 0 ? 0 : 3
          break
        case 3:
          s.special_fully_nested_mode = (value >> 4) & 1
          s.auto_eoi = (value >> 1) & 1
          s.init_state = 0
          break
        default:
          s.imr = value & 0xff
          update()
      }
    }

    function read(port: 0 | 1): number {
      if (s.poll !== 0) {
        s.poll = 0
        const line = request()
        if (line < 0) return 0
        take(line)
        return line | POLL_PENDING
      }
      if (port === 1) return s.imr
      return s.read_reg_select === 0 ? s.irr : s.isr
    }

    const inputs: Record<string, IrqLine> = {}
    for (let i = 0; i < 8; i++) inputs[`ir${i}`] = wire((level) => input(i, level))

    return {
      io: {
        command: reg(0, 1, 'commands; reads IRR, ISR or a poll', {
          read: () => read(0),
          write: (v) => writeCommand(v),
        }),
        data: reg(1, 1, 'interrupt mask, and the words of initialization', {
          read: () => read(1),
          write: (v) => writeData(v),
        }),
      },
      /** The chip set's register of one byte; the board gives it a port of its own. */
      elcr: {
        elcr: reg(0, 1, 'inputs that are level triggered', {
          read: () => s.elcr,
          write(v) {
            s.elcr = v & props.elcr_mask & 0xff
          },
        }),
      },
      sizes: { min: 1, max: 1 } as const,
      /** Inputs ir0 to ir7. */
      inputs,
      request,
      take,
      /** First vector of the chip. */
      vectorBase: () => s.irq_base,
      reset() {
        s.elcr = 0
        initialize()
      },
      afterLoad() {
        wires.int.restore(request() >= 0)
      },
    }
  },
})

/** What the acknowledge cycle needs of a chip. */
export interface I8259Chip {
  request(): number
  take(line: number): void
  vectorBase(): number
}

/** The acknowledge cycle of two cascaded chips. A request that has gone gives the chip's input 7. */
export function i8259Pair(first: I8259Chip, second: I8259Chip): InterruptSource {
  return {
    acknowledge() {
      const line = first.request()
      if (line < 0) return first.vectorBase() + SPURIOUS
      let vector = first.vectorBase() + line
      if (line === CASCADE) {
        const inner = second.request()
        if (inner >= 0) second.take(inner)
        vector = second.vectorBase() + (inner >= 0 ? inner : SPURIOUS)
      }
      first.take(line)
      return vector
    },
  }
}
