/**
 * The board pc-i440fx: 440FX host bridge, PIIX3 with the ISA devices, PIIX4 power management, one processor.
 * Addresses and wires stand here and nowhere else.
 */
import { createCpu, type CpuModel, type CpuOptions, type Processor } from '@godwit/cpu-x86'
import {
  apic,
  apicBus,
  debugcon,
  devfn,
  fdc,
  fwCfg,
  hpet,
  HPET_ROUTES,
  i2cBus,
  i440fx,
  i8042,
  i8254,
  i8257,
  i8259,
  i8259Pair,
  ioapic,
  isaDebugExit,
  kvmTprOpt,
  mc146818,
  pciBus,
  pciHost,
  pcspk,
  piix3,
  piix3Ide,
  piix4Pm,
  port92,
  ps2Keyboard,
  ps2Mouse,
  shadowMappings,
  smbusEeprom,
  uart16550,
  vmmouse,
  vmport,
  type FwCfg,
  type PciFunction,
} from '@godwit/devices'
import { fanOut, joined, wire, type Char, type IrqLine } from '@godwit/hw'
import type { AddressSpace, HostMemory } from '@godwit/memory'
import { Board, type PropTexts, type Section } from '../board.ts'
import type { MachineProps } from '../machine-options.ts'
import type { MachineTime } from '../machine-time.ts'
import { backdoorOf } from './backdoor.ts'
import { fillCmos } from './cmos.ts'
import { buildMemory, type MemoryMap } from './memory-map.ts'

export interface I440fxOptions {
  readonly host: HostMemory
  readonly time: MachineTime
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  readonly model: CpuModel
  readonly tscHz: number | undefined
  readonly ramBytes: number
  readonly props: MachineProps
  readonly compat: PropTexts
  /** What the board does by version. */
  readonly boardValues: Readonly<Record<string, string>>
  readonly bios: Uint8Array | undefined
  readonly incoming: boolean
  /** Ports that only tests and firmware developers want: debug output at 0x402, exit at 0x501. */
  readonly debugPorts: boolean
  readonly onReset: () => void
  readonly onPowerOff: () => void
  readonly onDebugExit: (code: number) => void
  /** A wire to the processor went up. */
  readonly onAttention: () => void
  readonly onDebugByte: (byte: number) => void
  readonly trace: ((event: string, detail?: object) => void) | undefined
  readonly tuning: Partial<CpuOptions> | undefined
}

const ISA_LINES = 16
/** Slots for memory modules on the SMBus. */
const EEPROMS = 8

/** What the machine needs of its board. */
export interface I440fx {
  readonly board: Board
  readonly map: MemoryMap
  readonly cpu: Processor
  readonly config: FwCfg
  /** Sections of the devices; those of the machine as a whole are not among them. */
  readonly sections: readonly Section[]
  readonly hasPower: boolean
  readonly pciFunctions: ReadonlyMap<number, PciFunction>
  connectSerial(char: Char): void
  powerButton(): void
}

// One list of what is on the board and how it is wired reads better than its pieces.
export function buildI440fx(options: I440fxOptions): I440fx {
  const { host, time, memory, ports, props, ramBytes } = options
  const board = new Board({ time, memory, ports, props: options.compat, trace: options.trace })
  const map = buildMemory(host, memory, ramBytes, options.bios, options.incoming)

  // -- processor and interrupt controllers --------------------------------------------------------------------
  const holder: { cpu?: Processor } = {}
  const toCpu = (name: 'intr' | 'nmi' | 'smi' | 'init'): IrqLine =>
    wire(
      (level) => {
        holder.cpu?.[name].set(level)
        if (level) options.onAttention()
      },
      (level) => holder.cpu?.[name].restore(level),
    )
  const smi = toCpu('smi')
  const bus = apicBus()
  const lapic = board.add('apic', apic, { wires: { intr: toCpu('intr'), smi, nmi: toCpu('nmi'), init: toCpu('init') } })
  const pic1 = board.add('pic', i8259, { wires: { int: lapic.model.inputs.lint0 } })
  const pic2 = board.add('pic2', i8259, {
    wires: { int: pic1.model.inputs['ir2']! },
    props: { master: false, elcr_mask: 0xde },
  })
  const pics = i8259Pair(pic1.model, pic2.model)
  const io = board.add('ioapic', ioapic)
  Object.assign(lapic.model.links, { bus, pic: pics })
  Object.assign(io.model.links, { bus, pic: pics })
  bus.join(lapic.model.self)
  bus.joinIoapic(io.model)
  const apicPage = board.mapMemory('apic', 0xfee0_0000, lapic.model.io, 0x1000, 50)
  lapic.model.links.onBase = (address, enabled) => apicPage.set(enabled, address)
  board.mapMemory('ioapic', 0xfec0_0000, io.model.io, 0x1000)
  const cpu = createCpu({
    host,
    memory,
    ports,
    time,
    model: options.model,
    ...(options.tscHz === undefined ? {} : { tscHz: options.tscHz }),
    apic: lapic.model.cpu,
    ramBlocks: map.blocks,
    ...options.tuning,
  })
  holder.cpu = cpu

  /** Lines 0 to 15 reach the 8259s and the I/O APIC (line 0 at its input 2); the others the I/O APIC alone. */
  const sources = Array.from({ length: HPET_ROUTES }, (_, n) => {
    const pin = io.model.inputs[`pin${n === 0 ? 2 : n}`]!
    if (n >= ISA_LINES || n === 2) return joined(pin)
    const pic = n < 8 ? pic1.model.inputs[`ir${n}`]! : pic2.model.inputs[`ir${n - 8}`]!
    return joined(fanOut([pic, pin]))
  })
  /** A wire of its own into a line that several devices may share. */
  const line = (n: number): IrqLine => sources[n]!()
  const reset = wire((level) => {
    if (level) options.onReset()
  })

  // -- PCI ----------------------------------------------------------------------------------------------------
  const pciLines = Object.fromEntries(Array.from({ length: ISA_LINES }, (_, n) => [`isa${n}`, line(n)]))
  const isaBridge = board.add('piix3', piix3, { wires: { ...pciLines, reset } })
  const pci = board.add('pci', pciBus, { wires: isaBridge.model.inputs })
  pci.model.connect(ports, memory)
  const pciPorts = board.add('pcihost', pciHost)
  pciPorts.model.connect(pci.model)
  const northbridge = board.add('i440fx', i440fx, { props: { 'ram-size': ramBytes } })
  northbridge.model.connect(shadowMappings({ memory, ram: map.ram, smramEnabled: map.smramFor(cpu.state) }))
  const ide = board.add('ide', piix3Ide, { wires: { irq0: line(14), irq1: line(15) } })
  pci.model.plug(devfn(0), northbridge.model.pci)
  pci.model.plug(devfn(1, 0), isaBridge.model.pci)
  pci.model.plug(devfn(1, 1), ide.model.pci)

  // -- timers -------------------------------------------------------------------------------------------------
  const timers = timerWires()
  const pit = board.add('pit', i8254, { wires: { out0: timers.timerOut } })
  timers.pitDisable(pit.model.inputs.disable)
  const speaker = board.add('pcspk', pcspk)
  speaker.model.links.counter = pit.model
  const rtc = board.add('rtc', mc146818, { wires: { irq: timers.clockOut } })
  fillCmos(rtc.model, { ramBytes, low: map.low })

  /** With an HPET the legacy timers' lines pass through it. */
  function timerWires() {
    if (!props.hpet) {
      return { timerOut: line(0), clockOut: line(8), pitDisable: (_to: IrqLine): void => undefined, sections: [] }
    }
    let disable: IrqLine | undefined
    const routes = Object.fromEntries(Array.from({ length: HPET_ROUTES }, (_, n) => [`irq${n}`, line(n)]))
    const gate = wire(
      (level) => disable?.set(level),
      (level) => disable?.restore(level),
    )
    const block = board.add('hpet', hpet, { wires: { ...routes, pitDisable: gate } })
    board.mapMemory('hpet', 0xfed0_0000, block.model.io, 0x400)
    return {
      timerOut: block.model.inputs.pit,
      clockOut: block.model.inputs.rtc,
      pitDisable: (to: IrqLine): void => void (disable = to),
      sections: [board.section(block)],
    }
  }

  /** Each of the two gates has a wire of its own; the last that moved counts. */
  const addressGate = (): IrqLine => wire((level) => cpu.a20.set(level))

  // -- ISA ----------------------------------------------------------------------------------------------------
  const com1 = board.add('com1', uart16550, { wires: { irq: line(4) } })
  const dma1 = board.add('dma', i8257, { props: { dshift: 0 } })
  const dma2 = board.add('dma2', i8257, { props: { dshift: 1 } })
  const floppy = board.add('fdc', fdc, { wires: { irq: line(6) } })
  const keyboardPort = board.add('i8042', i8042, {
    wires: { kbd: line(1), mouse: line(12), a20: addressGate(), reset },
  })
  const keyboard = board.add('kbd', ps2Keyboard, { wires: { irq: keyboardPort.model.inputs.keyboard } })
  const mouse = board.add('mouse', ps2Mouse, { wires: { irq: keyboardPort.model.inputs.mouse } })
  keyboardPort.model.connect(keyboard.model, mouse.model)
  const systemPort = board.add('port92', port92, { wires: { a20: addressGate(), reset } })
  const tprOpt = board.add('kvmvapic', kvmTprOpt)
  const config = board.add('fw_cfg', fwCfg)
  board.mapPorts('pic', 0x20, pic1.model.io, pic1.model)
  board.mapPorts('pic2', 0xa0, pic2.model.io, pic2.model)
  board.mapPorts('pic-elcr', 0x4d0, pic1.model.elcr, pic1.model)
  board.mapPorts('pic2-elcr', 0x4d1, pic2.model.elcr, pic2.model)
  board.mapPorts('pit', 0x40, pit.model.io, pit.model)
  board.mapPorts('i8042', 0x60, keyboardPort.model.io)
  board.mapPorts('pcspk', 0x61, speaker.model.io, speaker.model)
  board.mapPorts('rtc', 0x70, rtc.model.io, rtc.model)
  board.mapPorts('kvmvapic', 0x7e, tprOpt.model.io)
  board.mapPorts('port92', 0x92, systemPort.model.io)
  board.mapPorts('com1', 0x3f8, com1.model.io)
  board.mapPorts('fdc', 0x3f0, floppy.model.io)
  board.mapPorts('fw_cfg', 0x510, config.model.io)
  board.mapPorts('pcihost', 0xcf8, pciPorts.model.io)
  board.mapPorts('dma', 0x00, dma1.model.io)
  board.mapPorts('dma-pages', 0x80, dma1.model.pages)
  board.mapPorts('dma2', 0xc0, dma2.model.io)
  board.mapPorts('dma2-pages', 0x88, dma2.model.pages)
  board.mapPorts('ide', 0x1f0, ide.model.primary)
  board.mapPorts('ide-control', 0x3f6, ide.model.primaryControl)
  board.mapPorts('ide2', 0x170, ide.model.secondary)
  board.mapPorts('ide2-control', 0x376, ide.model.secondaryControl)
  // PIIX3's reset register lies over the second byte of the PCI address register.
  board.mapPorts('piix3-reset', 0xcf9, isaBridge.model.io, { over: true })

  if (options.debugPorts) {
    const exit = board.add('debugexit', isaDebugExit)
    exit.model.connect(options.onDebugExit)
    board.mapPorts('debugexit', 0x501, exit.model.io)
    const debug = board.add('debugcon', debugcon)
    const write = (data: Uint8Array): void => data.forEach(options.onDebugByte)
    debug.model.connect({ write, onData: undefined, ready: () => undefined })
    board.mapPorts('debugcon', 0x402, debug.model.io)
  }
  const vmware = props.vmport ? vmwareSections() : undefined
  function vmwareSections() {
    const port = board.add('vmport', vmport, { props: { 'ram-mib': ramBytes / 2 ** 20 } })
    const pointer = board.add('vmmouse', vmmouse)
    port.model.connect(backdoorOf(cpu.state), pointer.model)
    board.mapPorts('vmport', 0x5658, port.model.io)
    return [board.section(pointer)]
  }

  // -- power management ---------------------------------------------------------------------------------------
  const power = props.acpi ? powerManagement() : undefined
  function powerManagement() {
    const poweroff = wire((level) => {
      if (level) options.onPowerOff()
    })
    const smbus = board.add('i2c', i2cBus)
    const pm = board.add('pm', piix4Pm, {
      wires: { sci: line(9), smi, poweroff },
      props: { 'smm-enabled': props.smm, 'migrate-smbus': options.boardValues['smbus-migration'] !== 'off' },
    })
    pm.model.connect((address) => smbus.model.find(address))
    pci.model.plug(devfn(1, 3), pm.model.pci)
    for (let n = 0; n < EEPROMS; n++) {
      const eeprom = board.add(`eeprom${n}`, smbusEeprom)
      eeprom.model.connect(0x50 + n)
      smbus.model.plug(0x50 + n, eeprom.model)
    }
    board.mapPorts('apm', 0xb2, pm.model.apm)
    board.mapPorts('gpe0', 0xafe0, pm.model.gpe)
    board.mapPorts('pcihp', 0xae00, pm.model.pciHotplug)
    board.mapHandlers('cpuhp', 0xaf00, pm.model.cpuHotplug, 32)
    return {
      sections: [board.section(smbus), board.section(pm, '0000:00:01.3/piix4_pm')],
      powerButton: () => pm.model.powerButton(),
    }
  }

  const plain = [
    board.section(lapic),
    board.section(tprOpt),
    board.section(northbridge, '0000:00:00.0/I440FX'),
    board.section(pciPorts),
    board.section(pci),
    board.section(config),
    board.section(dma1),
    board.section(dma2, 'dma', 1),
    board.section(rtc),
    board.section(ide, '0000:00:01.1/ide'),
    board.section(isaBridge, '0000:00:01.0/PIIX3'),
    board.section(pic1),
    board.section(pic2, 'i8259', 1),
    board.section(io),
    board.section(pit),
    ...(board.propsOf(pcspk).migrate === false ? [] : [board.section(speaker)]),
    board.section(com1),
    board.section(floppy),
    board.section(keyboard),
    board.section(mouse),
    board.section(keyboardPort),
    board.section(systemPort),
    // a section that a property switches off is not of this machine
  ].filter(({ vmstate, state }) => vmstate.needed?.(state) !== false)
  return {
    board,
    map,
    cpu,
    config: config.model,
    sections: [...plain, ...timers.sections, ...(vmware ?? []), ...(power?.sections ?? [])],
    hasPower: power !== undefined,
    pciFunctions: pci.model.functions(),
    connectSerial: (char) => com1.model.connect(char),
    powerButton: () => power?.powerButton(),
  }
}
