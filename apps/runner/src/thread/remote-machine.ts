/** A machine on a thread of its own. Looks like one on this thread, to control, monitor and migrations. */
import type { Char } from '@godwit/hw'
import type { ZeroPageDetection } from '@godwit/migration-net'
import type { MachineEvents, WholeMachine } from '../machine-shape.ts'
import { errorOf } from './fault.ts'
import type { Happening, Shape, ThreadOptions } from './messages.ts'
import { RemoteBlock } from './remote-block.ts'
import type { Touched } from './requests.ts'
import { RemoteSection } from './remote-section.ts'
import { ThreadLink, type LinkOptions, type MachineLost } from './thread-link.ts'

/** Typed bytes that may be on their way to the serial port. */
const ROOM = 4096

/** Builds a machine on a new thread. Rejects with what its construction threw, under the same name. */
export function startMachine(options: ThreadOptions, how: LinkOptions = {}): Promise<RemoteMachine> {
  const link = new ThreadLink(options, how)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      void link.close()
      reject(error)
    }
    link.heard = {
      happens(happening) {
        if (happening.kind === 'built') resolve(new RemoteMachine(link, happening.shape))
        if (happening.kind === 'not-built') fail(errorOf(happening.fault))
      },
      lost: fail,
    }
  })
}

export class RemoteMachine implements WholeMachine {
  readonly machineType: string
  readonly ramBlocks: readonly RemoteBlock[]
  readonly sections: readonly RemoteSection[]
  readonly sendSwitchoverStart: boolean
  readonly multifdFlushAfterEachSection: boolean
  readonly zeroPageDetection: ZeroPageDetection
  readonly suppressVmdesc: boolean
  readonly events: MachineEvents = {}
  readonly processor: WholeMachine['processor']
  readonly time: WholeMachine['time']
  /** Nobody shares the guest's thread. */
  hostShare = 0
  runState = 'prelaunch'
  private readonly link: ThreadLink
  private runs = false
  private spoiledBy: string | undefined
  private char: Char | undefined
  private room = ROOM

  constructor(link: ThreadLink, shape: Shape) {
    this.link = link
    this.machineType = shape.machineType
    this.ramBlocks = shape.blocks.map((block, i) => new RemoteBlock(link, i, block, shape.memory))
    this.sections = shape.sections.map((section, i) => new RemoteSection(link, i, section))
    this.sendSwitchoverStart = shape.sendSwitchoverStart
    this.multifdFlushAfterEachSection = shape.multifdFlushAfterEachSection
    this.zeroPageDetection = shape.zeroPageDetection
    this.suppressVmdesc = shape.suppressVmdesc
    this.processor = {
      stats: () => link.ask('stats', []),
      profile: () => link.ask('profile', [], true),
      compiled: () => link.ask('compiled', [], true),
    }
    this.time = { virtual: { now: () => link.ask('now', []) } }
    link.heard = { happens: (happening) => this.happens(happening), lost: (error) => this.wasLost(error) }
  }

  get running(): boolean {
    return this.runs
  }

  /** Why nothing can be asked of the machine any more. */
  get lost(): string | undefined {
    return this.link.lost?.message
  }

  get carriedRunState(): string | undefined {
    return this.link.ask('carriedRunState', [])
  }

  set carriedRunState(name: string | undefined) {
    this.link.ask('carry', [name])
  }

  get spoiled(): string | undefined {
    return this.spoiledBy
  }

  spoil(reason: string): void {
    if (this.spoiledBy !== undefined) return
    this.spoiledBy = this.link.ask('spoil', [reason])
    this.runs = false
  }

  explain(name: string): string | undefined {
    return this.link.ask('explain', [name])
  }

  /** Goes on executing, unless the machine was lost: that has been told. */
  resume(): void {
    if (this.runs || this.lost !== undefined) return
    this.tellTouched()
    this.runs = true
    try {
      this.link.ask('resume', [])
    } catch (thrown) {
      this.runs = false
      throw thrown
    }
  }

  pause(): void {
    if (!this.runs) return
    // a machine that cannot be asked does not run either
    if (this.lost === undefined) this.link.ask('pause', [])
    this.runs = false
  }

  start(): void {
    if (this.runState === 'shutdown') return
    const before = this.runState
    this.runState = 'running'
    try {
      this.resume()
    } catch (thrown) {
      this.runState = before
      throw thrown
    }
  }

  stop(): void {
    if (!this.runs) return
    this.pause()
    // it may have shut down before it was asked
    if (this.runState === 'running') this.runState = 'paused'
  }

  reset(byGuest = false): void {
    this.link.ask('reset', [])
    this.events.onReset?.(byGuest)
  }

  powerButton(): void {
    this.link.ask('powerButton', [])
  }

  /** Connects the first serial port. */
  connectSerial(char: Char): void {
    this.char = char
    char.onData = (data) => {
      const count = Math.min(data.length, this.room)
      if (count === 0 || this.lost !== undefined) return 0
      this.room -= count
      this.link.send({ kind: 'typed', bytes: data.slice(0, count) })
      return count
    }
    char.ready()
  }

  /** Deterministic machines only: executes that many instructions while this thread waits. */
  runFor(instructions: number): number {
    this.tellTouched()
    return this.link.ask('runFor', [instructions], true)
  }

  digest(): string {
    return this.link.ask('digest', [], true)
  }

  /** Ends the thread. */
  close(): Promise<void> {
    this.runs = false
    return this.link.close()
  }

  private tellTouched(): void {
    const touched: Touched[] = []
    for (const block of this.ramBlocks) {
      const range = block.takeTouched()
      if (range !== undefined) touched.push(range)
    }
    if (touched.length > 0) this.link.ask('touched', [touched])
  }

  private happens(happening: Happening): void {
    switch (happening.kind) {
      case 'serial':
        this.char?.write(happening.bytes)
        break
      case 'debug':
        this.events.onDebugByte?.(happening.byte)
        break
      case 'took':
        this.room += happening.count
        this.char?.ready()
        break
      case 'shutdown':
        this.runs = false
        this.runState = 'shutdown'
        this.events.onShutdown?.(happening.cause, happening.exitCode)
        break
      case 'reset':
        this.events.onReset?.(true)
        break
      default:
        break
    }
  }

  private wasLost(error: MachineLost): void {
    this.runs = false
    this.runState = 'internal-error'
    this.events.onLost?.(error.message)
  }
}
