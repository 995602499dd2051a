import { cpuModel, type CpuOptions, type Processor } from '@godwit/cpu-x86'
import type { Char } from '@godwit/hw'
import { AddressSpace, HostMemory, type RamBlock } from '@godwit/memory'
import { saveBytes, type VMState } from '@godwit/vmstate'
import { enterKernel, loadDirect } from './boot/direct.ts'
import { parseBzImage, type BzImage } from './boot/bzimage.ts'
import { BootError } from './boot/boot-error.ts'
import { offerKernel } from './boot/offer-kernel.ts'
import { absentDevice } from './absent.ts'
import type { Section } from './board.ts'
import { Digest } from './digest.ts'
import { boardOf, compatOf } from './family.ts'
import { acpiFiles, type AcpiFiles } from './firmware/acpi.ts'
import { guestAbiOf, type GuestAbi } from './guest-abi.ts'
import { systemLoop, type HostLoop } from './host-loop.ts'
import { checkMemory, machineProps, type MachineProps } from './machine-options.ts'
import { instructionTime, realTime, systemWallClock, type MachineTime, type WallClock } from './machine-time.ts'
import { offerFirmwareFiles } from './pc/firmware-files.ts'
import { buildI440fx, type I440fx } from './pc/i440fx.ts'
import { inOrder } from './pc/i440fx-sections.ts'
import { programChipset } from './pc/direct-setup.ts'
import { findMachine, type MachineType } from './registry.ts'
import { RunLoop } from './run-loop.ts'
import { getRunState, machineSections, machineStates, setRunState } from './sections.ts'
import { refuseUnmodelled } from './unmodelled.ts'

export interface MachineOptions {
  /** Machine type or alias: "pc-i440fx-5.2", "pc". */
  readonly type: string
  /** Machine properties as text, as -machine takes them: { hpet: 'off' }. */
  readonly props?: Readonly<Record<string, string>>
  /** CPU model with features, as -cpu takes it. Default "qemu64". */
  readonly cpu?: string
  /** Rate of the TSC in Hz where `cpu` gives none (tsc-frequency). Default 10^9. */
  readonly tscHz?: number
  readonly memoryBytes: number
  /** A bzImage. */
  readonly kernel?: Uint8Array
  readonly initrd?: Uint8Array
  readonly append?: string
  /** Firmware image of up to 256 KiB, a power of two. Without it a kernel is started by the boot protocol. */
  readonly bios?: Uint8Array
  /** Real time, or time that counts instructions so that equal inputs end in equal states. */
  readonly time?: 'real' | DeterministicTime
  readonly wall?: WallClock
  readonly loop?: HostLoop
  /** Nothing is put into memory: a migration will bring it. */
  readonly incoming?: boolean
  /** Ports that only tests and firmware developers want: debug output at 0x402, exit at 0x501. Default off. */
  readonly debugPorts?: boolean
  readonly trace?: (event: string, detail?: object) => void
  /** RAM lies in a SharedArrayBuffer, so that other threads can read it. Default off. */
  readonly sharedMemory?: boolean
  /** How the processor does its work: no guest can tell. */
  readonly tuning?: CpuTuning
}

export type CpuTuning = Pick<CpuOptions, 'profile' | 'tier1' | 'tier1Counters' | 'kept'>

export interface DeterministicTime {
  /** ns an instruction takes. Default 4. */
  readonly nsPerInstruction?: number
  /** Wall time at power-on, ns since 1970. */
  readonly epochNs?: bigint
  readonly seed?: number
}

/** Why a machine stopped by itself. */
export type ShutdownCause = 'guest-shutdown' | 'guest-reset' | 'guest-panic'

export interface MachineEvents {
  onShutdown?(cause: ShutdownCause, exitCode: number): void
  onReset?(byGuest: boolean): void
  /** A byte at the firmware's debug port 0x402. */
  onDebugByte?(byte: number): void
}

/** A machine that took part of a guest whose migration failed: it holds parts of two states. */
export class SpoiledMachine extends Error {
  constructor(reason: string) {
    super(`this machine took part of a failed incoming migration; build a new one (${reason})`)
    this.name = 'SpoiledMachine'
  }
}

/** Room for the processor's records and state beside RAM. */
const CPU_ROOM = 160 * 2 ** 20
/** ROM blocks and resizable tables. */
const BLOCK_ROOM = 4 * 2 ** 20
const DEFAULT_EPOCH = 1_700_000_000_000_000_000n

export class Machine {
  readonly type: MachineType
  readonly props: MachineProps
  readonly processor: Processor
  readonly time: MachineTime
  readonly memory = new AddressSpace('memory')
  readonly ports = new AddressSpace('ports')
  readonly events: MachineEvents = {}
  /** Memory blocks in the order of the stream: descending maximum size. */
  readonly ramBlocks: readonly RamBlock[]
  /** Sections in the order they are sent. */
  readonly sections: readonly Section[]
  /** Properties of the migration protocol that the machine version sets. */
  readonly migrationProps: Readonly<Record<string, string>>
  /** QEMU's run state: "prelaunch", "running", "paused", "shutdown", "inmigrate" ... */
  runState = 'prelaunch'
  private readonly board: I440fx
  private readonly loop: RunLoop
  private readonly direct: DirectBoot | undefined
  private readonly states = machineStates()
  private resetAsked = false
  private spoiledBy: SpoiledMachine | undefined

  constructor(options: MachineOptions) {
    this.type = findMachine(options.type)
    this.props = machineProps(options.props ?? {})
    const ramBytes = checkMemory(options.memoryBytes)
    const image = options.kernel === undefined ? undefined : parseBzImage(options.kernel)
    checkBios(options.bios)
    if (options.bios === undefined && image === undefined && options.incoming !== true) {
      throw new BootError('nothing to boot: give a kernel, or a firmware image')
    }
    refuseUnmodelled(this.type)
    const compat = compatOf(this.type.family, this.type.version)
    const boardValues = boardOf(this.type.family, this.type.version)
    this.migrationProps = compat['migration'] ?? {}
    const host = new HostMemory({
      sizeBytes: CPU_ROOM + BLOCK_ROOM + ramBytes,
      shared: options.sharedMemory ?? false,
    })
    const instructions = (): number => (this.board as I440fx | undefined)?.cpu.instructions ?? 0
    this.time = timeOf(options, instructions)
    this.board = buildI440fx({
      host,
      time: this.time,
      memory: this.memory,
      ports: this.ports,
      model: cpuModel(options.cpu ?? 'qemu64', compat),
      tscHz: options.tscHz,
      ramBytes,
      props: this.props,
      compat,
      boardValues,
      bios: options.bios,
      incoming: options.incoming ?? false,
      debugPorts: options.debugPorts ?? false,
      onReset: () => this.askForReset(),
      onPowerOff: () => this.shutDown('guest-shutdown', 0),
      onDebugExit: (code) => this.shutDown('guest-shutdown', code),
      onAttention: () => this.loop.wake(),
      onDebugByte: (byte) => this.events.onDebugByte?.(byte),
      trace: options.trace,
      tuning: options.tuning,
    })
    const { cpu, map, config, sections } = this.board
    this.processor = cpu
    this.loop = new RunLoop(cpu, this.time, options.loop ?? systemLoop(), () => this.askForReset())
    const acpi = this.props.acpi
      ? acpiFiles({
          cpus: 1,
          hpet: this.props.hpet,
          floppy: true,
          serialPorts: 1,
          lowMemoryEnd: map.low,
          pciRootUid: Number(boardValues['pci-root-uid'] ?? 0),
        })
      : undefined
    const blocks = offerFirmwareFiles(config, host, {
      ramBytes,
      acpi,
      machine: this.type.name,
      boardValues,
      onAcpiRead: () => void (this.states.acpiBuild.patched = 1),
    })
    this.ramBlocks = [...map.blocks, ...blocks].sort((a, b) => b.maxSize - a.maxSize)
    this.sections = inOrder([...sections, ...machineSections(this.states, this.time, cpu, this.props.acpi)])
    const { initrd, append = '' } = options
    if (image !== undefined && options.bios !== undefined) {
      offerKernel(config, image, { initrd, append, lowMemory: map.low })
    }
    this.direct = image !== undefined && options.bios === undefined ? { image, initrd, append, acpi } : undefined
    this.resetDevices()
  }

  /** True while the guest executes. */
  get running(): boolean {
    return this.loop.running
  }

  /** Run state carried by the "globalstate" section. */
  get carriedRunState(): string | undefined {
    const name = getRunState(this.states.global)
    return name === '' ? undefined : name
  }

  set carriedRunState(name: string | undefined) {
    setRunState(this.states.global, name ?? '')
  }

  get sendSwitchoverStart(): boolean {
    return this.migrationProps['send-switchover-start'] !== 'off'
  }

  get multifdFlushAfterEachSection(): boolean {
    return this.migrationProps['multifd-flush-after-each-section'] === 'on'
  }

  get zeroPageDetection(): 'legacy' | 'multifd' {
    return this.migrationProps['zero-page-detection'] === 'legacy' ? 'legacy' : 'multifd'
  }

  get suppressVmdesc(): boolean {
    return this.props.suppressVmdesc
  }

  get machineType(): string {
    return this.type.name
  }

  /** Part of the time, from 0 to below 1, that a running guest leaves to others on the thread. */
  set hostShare(share: number) {
    this.loop.hostShare = share
  }

  /** Connects the first serial port. */
  connectSerial(char: Char): void {
    this.board.connectSerial(char)
  }

  /** Why the machine is of no more use, if it is. */
  get spoiled(): string | undefined {
    return this.spoiledBy?.message
  }

  /** Makes the machine useless: from now on it refuses to run, and to be reset into a running one. */
  spoil(reason: string): void {
    this.spoiledBy ??= new SpoiledMachine(reason)
    this.pause()
  }

  /** In words, what device a section or RAM block belongs to that this machine has not got. */
  explain(name: string): string | undefined {
    return absentDevice(name)
  }

  /** Goes on executing; `runState` is the caller's. Throws SpoiledMachine. */
  resume(): void {
    if (this.spoiledBy !== undefined) throw this.spoiledBy
    this.loop.start()
  }

  /** Stops executing and the clocks; `runState` is the caller's. */
  pause(): void {
    this.loop.stop()
  }

  start(): void {
    if (this.spoiledBy !== undefined) throw this.spoiledBy
    if (this.runState === 'shutdown') return
    this.runState = 'running'
    this.resume()
  }

  stop(): void {
    if (!this.running) return
    this.pause()
    this.runState = 'paused'
  }

  /** Deterministic machines only: executes that many instructions; returns how many were. */
  runFor(instructions: number): number {
    if (this.spoiledBy !== undefined) throw this.spoiledBy
    return this.loop.runFor(instructions)
  }

  /** The reset button. */
  reset(byGuest = false): void {
    if (this.spoiledBy !== undefined) throw this.spoiledBy
    this.resetDevices()
    this.events.onReset?.(byGuest)
  }

  /** Presses the power button. */
  powerButton(): void {
    this.board.powerButton()
    this.loop.wake()
  }

  /** What can be seen of the machine from inside and on the wire; meant for one that has just been made. */
  guestAbi(): GuestAbi {
    const { board, config, pciFunctions: functions } = this.board
    const { family, version } = this.type
    return guestAbiOf({
      ...{ board, config, functions, memory: this.memory, ports: this.ports, ramBlocks: this.ramBlocks },
      ...{ sections: this.sections, processor: this.processor },
      compat: compatOf(family, version),
      boardValues: boardOf(family, version),
    })
  }

  /** Digest of RAM and of all device state; equal for equal machines. */
  digest(): string {
    const digest = new Digest()
    for (const block of this.ramBlocks) digest.update(block.bytes)
    for (const s of this.sections) {
      s.beforeSave?.()
      digest.update(saveBytes(s.vmstate as VMState<object>, s.state))
    }
    return digest.hex()
  }

  /** The guest asked for a reset in the middle of an instruction: devices are reset between two slices. */
  private askForReset(): void {
    if (this.resetAsked) return
    this.resetAsked = true
    this.processor.requestStop()
    const { virtual } = this.time
    virtual
      .timer(() => {
        this.resetAsked = false
        this.reset(true)
      })
      .set(virtual.now())
  }

  private shutDown(cause: ShutdownCause, exitCode: number): void {
    this.pause()
    this.runState = 'shutdown'
    this.events.onShutdown?.(cause, exitCode)
  }

  private resetDevices(): void {
    const { board, cpu, map, hasPower } = this.board
    board.reset()
    cpu.reset()
    this.states.acpiBuild.patched = 0
    if (this.direct === undefined) return
    const entry = loadDirect(map.ram, this.direct.image, this.direct)
    programChipset(this.ports, hasPower)
    enterKernel(cpu, entry)
  }
}

interface DirectBoot {
  readonly image: BzImage
  readonly initrd: Uint8Array | undefined
  readonly append: string
  readonly acpi: AcpiFiles | undefined
}

/** A machine, powered on and not yet running. */
export function createMachine(options: MachineOptions): Machine {
  return new Machine(options)
}

function timeOf(options: MachineOptions, instructions: () => number): MachineTime {
  const { time = 'real' } = options
  if (time === 'real') return realTime(options.wall ?? systemWallClock, randomBytes, instructions)
  return instructionTime(instructions, {
    nsPerInstruction: BigInt(time.nsPerInstruction ?? 4),
    epochNs: time.epochNs ?? DEFAULT_EPOCH,
    seed: time.seed ?? 1,
  })
}

function checkBios(bios: Uint8Array | undefined): void {
  if (bios === undefined) return
  const n = bios.length
  if (n < 0x1_0000 || n > 0x4_0000 || (n & (n - 1)) !== 0) {
    throw new BootError(`firmware image of ${n} bytes: expected 64, 128 or 256 KiB`)
  }
}

function randomBytes(bytes: Uint8Array): void {
  bytes.set(crypto.getRandomValues(new Uint8Array(bytes.length)))
}
