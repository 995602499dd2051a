/**
 * QEMU's firmware configuration: numbered items and named files that the firmware reads through ports or by DMA.
 *
 * Spec  [FWCFG] QEMU, docs/specs/fw_cfg
 * Wire  "fw_cfg" version 2
 */
import { device, flag, num, reg } from '@godwit/hw'
import { derived, inside, named, since, u16, u32, u64, when, type Subsection, type VMState } from '@godwit/vmstate'

// -- items and registers ------------------------------------------------------------------
const SIGNATURE_KEY = 0x00
const ID_KEY = 0x01
const DIRECTORY_KEY = 0x19
const FIRST_FILE = 0x20
const NO_ITEM = 0xffff
const KEY_MASK = 0x3fff
const ARCH_LOCAL = 0x8000
const ID_TRADITIONAL = 1
const ID_DMA = 2
const NAME_BYTES = 56
const ENTRY_BYTES = 64

const DMA_ERROR = 0x01
const DMA_READ = 0x02
const DMA_SKIP = 0x04
const DMA_SELECT = 0x08
const DMA_WRITE = 0x10
const DMA_SIGNATURE = [0x51, 0x45, 0x4d, 0x55, 0x20, 0x43, 0x46, 0x47] as const // "QEMU CFG"
const DMA_CHUNK = 65536
const PAGE = 4096n

const ACPI_FILES = {
  'etc/acpi/tables': 'table_mr_size',
  'etc/table-loader': 'linker_mr_size',
  'etc/acpi/rsdp': 'rsdp_mr_size',
} as const
type AcpiFile = keyof typeof ACPI_FILES

// -- state --------------------------------------------------------------------------------
export interface FwCfgState {
  cur_entry: number
  /** The offset as version 1 sent it. */
  old_offset: number
  cur_offset: number
  dma_addr: bigint
  table_mr_size: bigint
  linker_mr_size: bigint
  rsdp_mr_size: bigint
  sendsDma: boolean
  sendsSizes: boolean
}

const dma: Subsection<FwCfgState> = {
  name: 'fw_cfg/dma',
  version: 0,
  born: '2.5',
  gate: { type: 'fw_cfg_io', property: 'dma_enabled', value: 'off', offFor: '2.4' },
  when: 'the DMA interface is enabled',
  needed: (s) => s.sendsDma,
}
const acpiMr: Subsection<FwCfgState> = {
  name: 'fw_cfg/acpi_mr',
  version: 1,
  born: '5.0',
  gate: { type: 'fw_cfg', property: 'acpi-mr-restore', value: 'false', offFor: '4.2' },
  when: 'acpi-mr-restore is on and the three ACPI blob sizes are not all page aligned',
  needed: (s) =>
    s.sendsSizes && (s.table_mr_size % PAGE !== 0n || s.linker_mr_size % PAGE !== 0n || s.rsdp_mr_size % PAGE !== 0n),
}

export const vmstate: VMState<FwCfgState> = {
  name: 'fw_cfg',
  version: 2,
  minVersion: 1,
  life: { born: '0.10', versions: { 2: '0.12' } },
  fields: {
    cur_entry: u16,
    old_offset: named(
      'cur_offset',
      when('version 1', (_s, version) => version === 1, u16),
    ),
    cur_offset: since(2, u32),
    dma_addr: inside(dma, u64),
    table_mr_size: inside(acpiMr, u64),
    linker_mr_size: inside(acpiMr, u64),
    rsdp_mr_size: inside(acpiMr, u64),
    sendsDma: derived('property dma_enabled'),
    sendsSizes: derived('property acpi-mr-restore'),
  },
  postLoad(s, version) {
    if (version === 1) s.cur_offset = s.old_offset
  },
}

interface Item {
  /** May be longer than what the guest sees. */
  bytes: Uint8Array
  length: number
  readonly writable: boolean
  readonly onSelect: (() => void) | undefined
  readonly onWrite: ((offset: number, length: number) => void) | undefined
}

export interface FileOptions {
  /** The guest may write it by DMA. */
  readonly writable?: boolean
  /** Called before the guest reads it from the start. */
  readonly onSelect?: () => void
  readonly onWrite?: (offset: number, length: number) => void
}

// -- model --------------------------------------------------------------------------------
export const fwCfg = device({
  type: 'fw_cfg_io',
  doc: 'Firmware configuration device',
  props: {
    dma_enabled: flag(true, 'whether the firmware can read by DMA'),
    'x-file-slots': num(0x20, 'most files there can be'),
    'acpi-mr-restore': flag(true, 'send the sizes of the ACPI blobs'),
  },
  wires: [],
  state: (props): FwCfgState => ({
    cur_entry: 0,
    old_offset: 0,
    cur_offset: 0,
    dma_addr: 0n,
    table_mr_size: 0n,
    linker_mr_size: 0n,
    rsdp_mr_size: 0n,
    sendsDma: props.dma_enabled,
    sendsSizes: props['acpi-mr-restore'],
  }),
  vmstate,
  create({ state: s, props, dma: memory, trace }) {
    const slots = props['x-file-slots']
    const numbered = new Map<number, Item>()
    const files: { readonly name: string; readonly item: Item }[] = []

    function itemOf(bytes: Uint8Array, options: FileOptions = {}): Item {
      const { writable = false, onSelect, onWrite } = options
      return { bytes, length: bytes.length, writable, onSelect, onWrite }
    }

    function addBytes(key: number, bytes: Uint8Array, options?: FileOptions): void {
      const at = key & (KEY_MASK | ARCH_LOCAL)
      if (numbered.has(at)) throw new Error(`fw_cfg item 0x${at.toString(16)} is there already`)
      numbered.set(at, itemOf(bytes, options))
    }

    function noteSize(name: string, length: number): void {
      if (name in ACPI_FILES) s[ACPI_FILES[name as AcpiFile]] = BigInt(length)
    }

    function fileNamed(name: string): Item | undefined {
      return files.find((f) => f.name === name)?.item
    }

    function addFile(name: string, bytes: Uint8Array, options?: FileOptions): void {
      if (name.length >= NAME_BYTES) throw new Error(`fw_cfg file name ${name} is longer than ${NAME_BYTES - 1}`)
      if (fileNamed(name) !== undefined) throw new Error(`fw_cfg file ${name} is there already`)
      if (files.length >= slots) throw new Error(`fw_cfg has room for ${slots} files`)
      files.push({ name, item: itemOf(bytes, options) })
      // In byte order: a file's key is its place, which must be the same on both sides of a migration.
      files.sort((a, b) => (a.name < b.name ? -1 : 1))
      noteSize(name, bytes.length)
      numbered.set(DIRECTORY_KEY, itemOf(directory()))
    }

    function modifyFile(name: string, bytes: Uint8Array): void {
      const item = fileNamed(name)
      if (item === undefined) {
        addFile(name, bytes)
        return
      }
      item.bytes = bytes
      item.length = bytes.length
      noteSize(name, bytes.length)
      numbered.set(DIRECTORY_KEY, itemOf(directory()))
    }

    /** [FWCFG] "File Directory": count, then size, key, reserved and name of each, big-endian. */
    function directory(): Uint8Array {
      const bytes = new Uint8Array(4 + slots * ENTRY_BYTES)
      const view = new DataView(bytes.buffer)
      view.setUint32(0, files.length)
      files.forEach(({ name, item }, i) => {
        const at = 4 + i * ENTRY_BYTES
        view.setUint32(at, item.length)
        view.setUint16(at + 4, FIRST_FILE + i)
        for (let c = 0; c < name.length; c++) bytes[at + 8 + c] = name.charCodeAt(c)
      })
      return bytes
    }

    function current(): Item | undefined {
      if (s.cur_entry === NO_ITEM) return undefined
      const key = s.cur_entry & KEY_MASK
      if ((s.cur_entry & ARCH_LOCAL) === 0 && key >= FIRST_FILE) return files[key - FIRST_FILE]?.item
      return numbered.get(key | (s.cur_entry & ARCH_LOCAL))
    }

    function select(key: number): void {
      s.cur_offset = 0
      s.cur_entry = (key & KEY_MASK) >= FIRST_FILE + slots ? NO_ITEM : key
      current()?.onSelect?.()
    }

    function readByte(): number {
      const item = current()
      if (item === undefined || s.cur_offset >= item.length) return 0
      return item.bytes[s.cur_offset++]!
    }

    /** Copies between item and guest memory; false when there is no such memory or the item is not to be written. */
    function copy(address: number, length: number, control: number): boolean {
      let at = address
      let left = length
      while (left > 0) {
        const item = current()
        const rest = item === undefined ? 0 : Math.max(0, item.length - s.cur_offset)
        const count = Math.min(left, rest > 0 ? rest : left, DMA_CHUNK)
        const data = rest > 0 ? item!.bytes.subarray(s.cur_offset, s.cur_offset + count) : new Uint8Array(count)
        if ((control & DMA_READ) !== 0) {
          if (memory.find(at) === undefined) return false
          memory.writeBytes(at, data)
        } else if ((control & DMA_WRITE) !== 0) {
          if (rest === 0 || !item!.writable || memory.find(at) === undefined) return false
          memory.readBytes(at, data)
          item!.onWrite?.(s.cur_offset, count)
        } else if (rest === 0) {
          return true
        }
        if (rest > 0) s.cur_offset += count
        at += count
        left -= count
      }
      return true
    }

    /** [FWCFG] "Guest-side DMA Interface": control, length and address, big-endian, stand where the guest says. */
    function transfer(): void {
      const where = Number(s.dma_addr)
      s.dma_addr = 0n
      const command = new Uint8Array(16)
      memory.readBytes(where, command)
      const view = new DataView(command.buffer)
      const control = view.getUint32(0)
      const length = view.getUint32(4)
      const address = Number(view.getBigUint64(8))
      trace('fw_cfg.dma', { control, length, address })
      if ((control & DMA_SELECT) !== 0) select(control >>> 16)
      const works = (control & (DMA_READ | DMA_WRITE | DMA_SKIP)) !== 0
      const good = !works || copy(address, length, control)
      const answer = new Uint8Array(4)
      new DataView(answer.buffer).setUint32(0, good ? 0 : DMA_ERROR)
      memory.writeBytes(where, answer)
    }

    const swap = (value: number): bigint => {
      const bytes = new DataView(new ArrayBuffer(4))
      bytes.setUint32(0, value, true)
      return BigInt(bytes.getUint32(0))
    }

    addBytes(SIGNATURE_KEY, Uint8Array.of(0x51, 0x45, 0x4d, 0x55)) // "QEMU"
    addBytes(ID_KEY, Uint8Array.of(ID_TRADITIONAL | (props.dma_enabled ? ID_DMA : 0), 0, 0, 0))
    numbered.set(DIRECTORY_KEY, itemOf(directory()))

    return {
      /** Base is port 0x510. */
      io: {
        SELECTOR: reg(0, 2, 'selects an item by two bytes; a byte reads the item', {
          read: readByte,
          write(value, at, size) {
            if (size === 2 && at === 0) select(value)
          },
        }),
        ...(props.dma_enabled
          ? {
              DMA: reg(4, 8, 'address of a command in guest memory, big-endian, the low half starts it', {
                read(at, size) {
                  let value = 0
                  for (let i = 0; i < size; i++) value |= DMA_SIGNATURE[at + i]! << (8 * i)
                  return value >>> 0
                },
                write(value, at, size) {
                  if (size !== 4) return
                  if (at === 0) s.dma_addr = swap(value) << 32n
                  else if (at === 4) {
                    s.dma_addr |= swap(value)
                    transfer()
                  }
                },
              }),
            }
          : {}),
      },
      addBytes,
      addFile,
      /** Replaces a file's content, or adds the file. */
      modifyFile,
      /** Files in the order of their keys. */
      files: (): readonly { readonly name: string; readonly bytes: Uint8Array }[] =>
        files.map(({ name, item }) => ({ name, bytes: item.bytes.subarray(0, item.length) })),
      /** Key of a file, or undefined. */
      keyOf: (name: string): number | undefined => {
        const at = files.findIndex((f) => f.name === name)
        return at < 0 ? undefined : FIRST_FILE + at
      },
      reset() {
        select(SIGNATURE_KEY)
      },
      afterLoad() {
        // The other side's ACPI blobs may be longer or shorter than ours; their bytes come with the RAM.
        for (const [name, key] of Object.entries(ACPI_FILES)) {
          const item = fileNamed(name)
          if (item !== undefined && s[key] !== 0n) item.length = Math.min(Number(s[key]), item.bytes.length)
        }
        numbered.set(DIRECTORY_KEY, itemOf(directory()))
      },
    }
  },
})

export type FwCfg = ReturnType<(typeof fwCfg)['create']>
