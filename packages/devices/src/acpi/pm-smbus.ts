/**
 * SMBus host of the PIIX4 and the serial EEPROMs on it. A transaction takes no guest time.
 *
 * Spec  [PIIX4] Intel, 82371AB PCI-to-ISA/IDE Xcelerator, 7.3
 * Wire  "pmsmb" version 1 inside "piix4_pm"; "i2c_bus" version 1; "smbus-eeprom" version 1
 */
import { device, reg, type Regs } from '@godwit/hw'
import { array, bool, i32, struct, u32, u8, type VMState } from '@godwit/vmstate'

// -- registers ---------------------------------------------------------- [PIIX4] 7.3 ----
const STS_HOST_BUSY = 0x01
const STS_INTR = 0x02
const STS_DEV_ERR = 0x04
const STS_BYTE_DONE = 0x80
const STS_CLEARABLE = 0x9e
const CTL_INTREN = 0x01
const CTL_KILL = 0x02
const CTL_START = 0x40
const AUX_BLOCK = 0x02 // auxctl: a 32-byte buffer stands behind the block register
const BLOCK = 32
const NO_ADDRESS = 0xff

export interface PmSmbusState {
  smb_stat: number
  smb_ctl: number
  smb_cmd: number
  smb_addr: number
  smb_data0: number
  smb_data1: number
  smb_index: number
  smb_data: Uint8Array
  smb_auxctl: number
  smb_blkdata: number
  i2c_enable: boolean
  op_done: boolean
  in_i2c_block_read: boolean
  start_transaction_on_status_read: boolean
}

export const pmSmbusVmstate: VMState<PmSmbusState> = {
  name: 'pmsmb',
  version: 1,
  minVersion: 1,
  life: { born: '4.0' },
  fields: {
    smb_stat: u8,
    smb_ctl: u8,
    smb_cmd: u8,
    smb_addr: u8,
    smb_data0: u8,
    smb_data1: u8,
    smb_index: u32,
    smb_data: array<Uint8Array, number>(u8, BLOCK),
    smb_auxctl: u8,
    smb_blkdata: u8,
    i2c_enable: bool,
    op_done: bool,
    in_i2c_block_read: bool,
    start_transaction_on_status_read: bool,
  },
  postLoad(s) {
    if (s.smb_index >= BLOCK) throw new RangeError(`smb_index below ${BLOCK}, came ${s.smb_index}`)
  },
}

export const pmSmbusState = (): PmSmbusState => ({
  smb_stat: 0,
  smb_ctl: 0,
  smb_cmd: 0,
  smb_addr: 0,
  smb_data0: 0,
  smb_data1: 0,
  smb_index: 0,
  smb_data: new Uint8Array(BLOCK),
  smb_auxctl: AUX_BLOCK,
  smb_blkdata: 0,
  i2c_enable: false,
  op_done: true,
  in_i2c_block_read: false,
  start_transaction_on_status_read: false,
})

/** What answers at an address of the bus. */
export interface SmbusTarget {
  quick(read: boolean): void
  /** One byte without a command. */
  receive(): number
  /** Command and data, as they come over the wire. */
  send(bytes: Uint8Array): void
}

/** The registers of the host; `find` gives who has an address. */
export function pmSmbusRegs(s: PmSmbusState, find: (address: number) => SmbusTarget | undefined): Regs {
  function fail(): void {
    s.smb_stat |= STS_DEV_ERR
  }

  function readInto(target: SmbusTarget, count: number): Uint8Array {
    target.send(Uint8Array.of(s.smb_cmd))
    return Uint8Array.from({ length: count }, () => target.receive())
  }

  function block(target: SmbusTarget, read: boolean): void {
    if (read) {
      const [count = 0] = readInto(target, 1)
      const bytes = Uint8Array.from({ length: Math.min(count, BLOCK) }, () => target.receive())
      s.smb_data0 = bytes.length
      s.smb_data.set(bytes)
    } else {
      const count = Math.min(s.smb_data0, BLOCK)
      target.send(Uint8Array.of(s.smb_cmd, count, ...s.smb_data.subarray(0, count)))
    }
    s.smb_index = 0
    s.op_done = true
  }

  function transaction(): void {
    const read = (s.smb_addr & 1) !== 0
    const target = find(s.smb_addr >> 1)
    if (target === undefined) return fail()
    switch ((s.smb_ctl >> 2) & 7) {
      case 0:
        target.quick(read)
        break
      case 1:
        if (read) s.smb_data0 = target.receive()
        else target.send(Uint8Array.of(s.smb_cmd))
        break
      case 2:
        if (read) s.smb_data0 = readInto(target, 1)[0]!
        else target.send(Uint8Array.of(s.smb_cmd, s.smb_data0))
        break
      case 3:
        if (read) {
          const [low, high] = readInto(target, 2)
          s.smb_data0 = low!
          s.smb_data1 = high!
        } else {
          target.send(Uint8Array.of(s.smb_cmd, s.smb_data0, s.smb_data1))
        }
        break
      case 5:
        block(target, read)
        break
      default:
        return fail()
    }
    s.smb_stat |= STS_INTR
  }

  function writeStatus(value: number): void {
    s.smb_stat &= ~(value & STS_CLEARABLE)
  }

  function writeControl(value: number): void {
    s.smb_ctl = value & ~CTL_START
    if ((value & CTL_KILL) !== 0) {
      s.smb_stat = 0
      s.op_done = true
      return
    }
    if ((value & CTL_START) === 0) return
    s.smb_stat &= ~(STS_HOST_BUSY | STS_INTR | STS_DEV_ERR | STS_BYTE_DONE)
    if ((value & CTL_INTREN) !== 0) return transaction()
    // Some firmware waits to see the host busy, so the transaction begins when the status has been read once.
    s.smb_stat |= STS_HOST_BUSY
    s.start_transaction_on_status_read = true
  }

  function readStatus(): number {
    const value = s.smb_stat
    if (s.start_transaction_on_status_read) {
      s.start_transaction_on_status_read = false
      s.smb_stat &= ~STS_HOST_BUSY
      transaction()
    }
    return value
  }

  const field = (key: 'smb_cmd' | 'smb_addr' | 'smb_data0' | 'smb_data1') => ({
    read: () => s[key],
    write: (v: number) => void (s[key] = v),
  })
  return {
    SMBHSTSTS: reg(0, 1, 'status', { read: readStatus, write: writeStatus }),
    SMBHSTCNT: reg(2, 1, 'control; reading begins the block at its first byte', {
      read() {
        s.smb_index = 0
        return s.smb_ctl
      },
      write: writeControl,
    }),
    SMBHSTCMD: reg(3, 1, 'command', field('smb_cmd')),
    SMBHSTADD: reg(4, 1, 'address and direction', field('smb_addr')),
    SMBHSTDAT0: reg(5, 1, 'data, or length of the block', field('smb_data0')),
    SMBHSTDAT1: reg(6, 1, 'data', field('smb_data1')),
    SMBBLKDAT: reg(7, 1, 'the next byte of the block', {
      read() {
        const value = s.smb_data[s.smb_index % BLOCK]!
        s.smb_index = (s.smb_index + 1) % BLOCK
        return value
      },
      write(value) {
        s.smb_data[s.smb_index % BLOCK] = value
        s.smb_index = (s.smb_index + 1) % BLOCK
      },
    }),
    AUX_CTL: reg(0xd, 1, 'auxiliary control', {
      read: () => s.smb_auxctl,
      write: (v) => void (s.smb_auxctl = v & AUX_BLOCK),
    }),
  }
}

// -- the bus ------------------------------------------------------------------------------
export interface I2cBusState {
  /** Address of the transfer under way, 0xff when there is none. */
  saved_address: number
}

/** The bus holds no state of its own: it is idle between two instructions. */
export const i2cBus = device({
  type: 'i2c-bus',
  doc: 'SMBus of the PIIX4',
  props: {},
  wires: [],
  state: (): I2cBusState => ({ saved_address: NO_ADDRESS }),
  vmstate: {
    name: 'i2c_bus',
    version: 1,
    minVersion: 1,
    life: { born: '0.9.1' },
    fields: { saved_address: u8 },
  } satisfies VMState<I2cBusState>,
  create: () => {
    const targets = new Map<number, SmbusTarget>()
    return {
      plug(address: number, target: SmbusTarget): void {
        if (targets.has(address)) throw new Error(`SMBus address 0x${address.toString(16)} is taken`)
        targets.set(address, target)
      },
      find: (address: number): SmbusTarget | undefined => targets.get(address),
      reset: () => undefined,
    }
  },
})

// -- an EEPROM ----------------------------------------------------------------------------
interface SmbusDeviceState {
  i2c: { address: number }
  mode: number
  data_len: number
  data_buf: Uint8Array
}
export interface SmbusEepromState {
  smbusdev: SmbusDeviceState
  data: Uint8Array
  offset: number
  accessed: boolean
}

const i2cSlave: VMState<{ address: number }> = {
  name: 'I2CSlave',
  version: 1,
  minVersion: 1,
  life: { born: '0.9.1' },
  fields: { address: u8 },
}
const smbusDevice: VMState<SmbusDeviceState> = {
  name: 'smbus-device',
  version: 1,
  minVersion: 1,
  life: {
    born: '4.0',
    gate: { type: 'machine', property: 'smbus_no_migration_support', value: 'true', offFor: '3.1', until: '11.0' },
  },
  fields: {
    i2c: struct(i2cSlave),
    mode: i32,
    data_len: i32,
    data_buf: array<Uint8Array, number>(u8, 34),
  },
}
export const smbusEepromVmstate: VMState<SmbusEepromState> = {
  name: 'smbus-eeprom',
  version: 1,
  minVersion: 1,
  life: {
    born: '4.0',
    gate: { type: 'machine', property: 'smbus_no_migration_support', value: 'true', offFor: '3.1', until: '11.0' },
  },
  // Until the guest has touched it, an EEPROM is what the board made it.
  needed: (s) => s.accessed || s.smbusdev.mode !== 0,
  fields: {
    smbusdev: struct(smbusDevice),
    data: array<Uint8Array, number>(u8, 256),
    offset: u8,
    accessed: bool,
  },
}

export const smbusEeprom = device({
  type: 'smbus-eeprom',
  doc: 'Serial EEPROM of 256 bytes, as memory modules have it',
  props: {},
  wires: [],
  state: (): SmbusEepromState => ({
    smbusdev: { i2c: { address: 0 }, mode: 0, data_len: 0, data_buf: new Uint8Array(34) },
    data: new Uint8Array(256),
    offset: 0,
    accessed: false,
  }),
  vmstate: smbusEepromVmstate,
  create({ state: s }) {
    return {
      /** The address on the bus and what it holds at power-on. */
      connect(address: number, contents: Uint8Array = new Uint8Array(256)): void {
        s.smbusdev.i2c.address = address
        s.data.set(contents.subarray(0, 256))
      },
      quick: () => undefined,
      receive(): number {
        const value = s.data[s.offset]!
        s.offset = (s.offset + 1) & 0xff
        s.accessed = true
        return value
      },
      send(bytes: Uint8Array): void {
        s.accessed = true
        bytes.forEach((byte, i) => {
          if (i === 0) {
            s.offset = byte
          } else {
            s.data[s.offset] = byte
            s.offset = (s.offset + 1) & 0xff
          }
        })
      },
      reset() {
        s.offset = 0
      },
    }
  },
})
