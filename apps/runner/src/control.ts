/** A machine under control: what its owner may ask of it, and what it tells. Knows no protocol. */
import {
  ChannelError,
  IncomingMigration,
  OutgoingMigration,
  defaultParameters,
  type Channel,
  type MigrationParameters,
  type MigrationStatus,
} from '@godwit/migration-net'
import {
  openAllOutgoing,
  openIncoming,
  type Incoming,
  type MigrationAddress,
  type SocketAddress,
} from '@godwit/migration-net/node'
import type { RunnableMachine } from './machine-shape.ts'

/** A request that cannot be met now; the message is QEMU's where QEMU has one. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Refusal'
  }
}

export type Listener = (event: string, data?: Record<string, unknown>) => void

export interface ControlOptions {
  readonly machine: RunnableMachine
  /** Start the guest when a migration has brought it. */
  readonly autostart: boolean
  /** Says the end; the process goes away. */
  readonly onEnd: (status: number) => void
  /** Told of what a user without a monitor should know. */
  readonly onMessage: (line: string) => void
  /** The machine's UUID, which both ends of multifd compare. */
  readonly uuid?: string | undefined
  readonly noShutdown?: boolean
  readonly noReboot?: boolean
}

/** Capabilities that may be switched on. The return path is used wherever there is one, whatever the switch says. */
export interface Capabilities {
  events: boolean
  'return-path': boolean
  'pause-before-switchover': boolean
  multifd: boolean
  /** Of a source; a destination takes deltas whatever is said here, as QEMU does. */
  xbzrle: boolean
}

export class Control {
  readonly machine: RunnableMachine
  readonly parameters: MigrationParameters = defaultParameters()
  readonly capabilities: Capabilities = {
    ...{ events: false, 'return-path': false, 'pause-before-switchover': false },
    ...{ multifd: false, xbzrle: false },
  }
  /** `multifd-channels`: how many there are beside the main one, if multifd is on. */
  multifdChannels = 2
  /** `xbzrle-cache-size`. */
  xbzrleCacheBytes = 64 << 20
  outgoing: OutgoingMigration | undefined
  incoming: IncomingMigration | undefined

  private readonly options: ControlOptions
  private readonly listeners = new Set<Listener>()
  private autostart: boolean
  private waitingForIncoming = false
  /** Where a guest is awaited, as query-migrate says it. */
  private listening: Record<string, unknown> | undefined
  /** A migration that has not reached its peer yet, or never did. */
  private opening: { status: MigrationStatus; error?: string } | undefined
  private deferred = false
  private shutDown = false
  private ended = false

  constructor(options: ControlOptions) {
    this.options = options
    this.machine = options.machine
    this.autostart = options.autostart
    const { events } = options.machine
    events.onShutdown = (cause, status) => this.guestStopped(cause, status)
    events.onReset = (byGuest) => this.wasReset(byGuest)
    events.onLost = (reason) => this.machineLost(reason)
  }

  /** Listens to events; returns what ends it. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  stop(): void {
    if (this.machine.runState === 'inmigrate') this.autostart = false
    if (this.machine.runState === 'finish-migrate') this.outgoing?.stayPaused()
    if (!this.machine.running) return
    this.machine.stop()
    this.emit('STOP')
  }

  cont(): void {
    const { machine } = this
    if (machine.running) return
    if (machine.runState === 'inmigrate') {
      this.autostart = true
      return
    }
    if (machine.runState === 'finish-migrate') throw new Refusal('Migration is not finalized yet')
    if (machine.runState === 'shutdown') throw new Refusal('Resetting the Virtual Machine is required')
    machine.start()
    this.emit('RESUME')
  }

  reset(): void {
    const { machine } = this
    if (machine.runState === 'inmigrate') throw new Refusal('Guest is waiting for an incoming migration')
    machine.reset(false)
    if (machine.runState === 'shutdown') machine.runState = 'paused'
    this.shutDown = false
  }

  powerdown(): void {
    this.machine.powerButton()
    this.emit('POWERDOWN')
  }

  /** Ends the process by somebody's wish. */
  quit(reason: 'host-qmp-quit' | 'host-signal' | 'host-ui', status = 0): void {
    this.end({ guest: false, reason }, status)
  }

  /** Starts to send the guest away; returns at once, the rest is told by events and `queryMigration`. */
  migrate(address: MigrationAddress): void {
    const { runState } = this.machine
    if (this.migrating) throw new Refusal("There's a migration process in progress")
    if (runState === 'inmigrate') throw new Refusal('Guest is waiting for an incoming migration')
    if (runState === 'postmigrate') throw new Refusal("Can't migrate the vm that was paused due to previous migration")
    if (address.kind === 'file' && this.channelsBeside > 0) {
      throw new Refusal('Migration requires multi-channel URIs (e.g. tcp)')
    }
    const opening: { status: MigrationStatus; error?: string } = { status: 'setup' }
    this.opening = opening
    this.outgoing = undefined
    this.migrationEvent('setup')
    openAllOutgoing(address, this.channelsBeside).then(
      (channels) => {
        if (opening.status === 'setup') void this.send(channels)
        else for (const channel of channels) channel.abort('the migration was cancelled')
      },
      (thrown: unknown) => {
        if (opening.status !== 'setup') return
        opening.status = 'failed'
        opening.error = messageOf(thrown)
        this.migrationEvent('failed')
      },
    )
  }

  cancelMigration(): void {
    if (this.outgoing !== undefined) {
      this.outgoing.cancel()
    } else if (this.opening?.status === 'setup') {
      this.opening.status = 'cancelled'
      this.migrationEvent('cancelling')
      this.migrationEvent('cancelled')
    }
  }

  /** Goes on after pause-before-switchover. */
  continueMigration(): void {
    if (this.outgoing?.continue() !== true) throw new Refusal('Migration is not in state pre-switchover')
  }

  /** True from the request to the end. */
  get migrating(): boolean {
    return this.outgoing !== undefined ? !this.outgoing.over : this.opening?.status === 'setup'
  }

  queryMigration(): Record<string, unknown> {
    if (this.outgoing !== undefined) return this.outgoing.query()
    // a guest that came here is on its way again
    if (this.opening !== undefined) return answer(this.opening.status, this.opening.error)
    const place = this.listening === undefined ? {} : { 'socket-address': [this.listening] }
    if (this.incoming !== undefined) return { ...answer(this.incoming.status, this.incoming.error?.message), ...place }
    return this.waitingForIncoming ? { status: 'setup', ...place } : {}
  }

  /** Says that the machine was built to take a guest, and from where if that is known. */
  async expectGuest(address: MigrationAddress): Promise<void> {
    this.machine.runState = 'inmigrate'
    this.deferred = address.kind === 'defer'
    if (!this.deferred) await this.receive(address)
  }

  /** QMP's migrate-incoming. Rejects if it cannot listen. */
  async receiveLater(address: MigrationAddress): Promise<void> {
    if (this.machine.runState !== 'inmigrate') throw new Refusal("'-incoming' was not specified on the command line")
    if (!this.deferred) throw new Refusal('The incoming migration has already been started')
    this.deferred = false
    try {
      await this.receive(address)
    } catch (thrown) {
      this.deferred = true
      throw thrown
    }
  }

  private get channelsBeside(): number {
    return this.capabilities.multifd ? this.multifdChannels : 0
  }

  private async receive(address: MigrationAddress): Promise<void> {
    const channels = this.channelsBeside
    const place = await openIncoming(address, 1 + channels)
    this.waitingForIncoming = true
    this.listening = place.address === undefined ? undefined : socketAddress(place.address)
    this.migrationEvent('setup')
    place.accept().then(
      (channel) => void this.take(channel, place, channels),
      (thrown: unknown) => this.loadFailed(messageOf(thrown)),
    )
  }

  private async take(channel: Channel, place: Incoming, channels: number): Promise<void> {
    const { parameters } = this
    const uuid = uuidBytes(this.options.uuid)
    const incoming = new IncomingMigration({
      machine: this.machine,
      channel,
      parameters,
      ...(channels === 0 ? {} : { multifd: { channels, uuid, accept: () => place.accept() } }),
      autostart: () => this.autostart,
      onStatus: (status) => {
        if (status !== 'setup') this.migrationEvent(status)
      },
      onGuest: () => this.emit('RESUME'),
    })
    this.incoming = incoming
    const result = await incoming.run()
    place.close()
    this.waitingForIncoming = false
    this.listening = undefined
    if (result.outcome === 'failed') return this.loadFailed(result.error.message)
    for (const warning of result.warnings) this.options.onMessage(`warning: ${warning}`)
  }

  private loadFailed(message: string): void {
    this.options.onMessage(`load of migration failed: ${message}`)
    this.end({ guest: false, reason: 'host-error' }, 1)
  }

  private async send([channel, ...channels]: [Channel, ...Channel[]]): Promise<void> {
    const uuid = uuidBytes(this.options.uuid)
    const outgoing = new OutgoingMigration({
      machine: this.machine,
      channel,
      ...(channels.length === 0 ? {} : { multifd: { channels, uuid } }),
      ...(this.capabilities.xbzrle ? { xbzrleCacheBytes: this.xbzrleCacheBytes } : {}),
      parameters: this.parameters,
      pauseBeforeSwitchover: this.capabilities['pause-before-switchover'],
      onStatus: (status) => {
        if (status !== 'setup') this.migrationEvent(status)
      },
      onPass: (pass) => {
        if (this.capabilities.events) this.emit('MIGRATION_PASS', { pass })
      },
      onGuest: (running) => this.emit(running ? 'RESUME' : 'STOP'),
    })
    this.outgoing = outgoing
    const result = await outgoing.run()
    if (result.outcome !== 'completed') this.options.onMessage(result.error.message)
  }

  private migrationEvent(status: MigrationStatus): void {
    if (this.capabilities.events) this.emit('MIGRATION', { status })
  }

  private guestStopped(cause: string, status: number): void {
    this.outgoing?.cancel()
    if (this.options.noShutdown === true && !this.shutDown) {
      this.shutDown = true
      this.machine.runState = 'shutdown'
      this.emit('SHUTDOWN', { guest: true, reason: cause })
      this.emit('STOP')
      return
    }
    this.end({ guest: true, reason: cause }, status)
  }

  private machineLost(reason: string): void {
    this.options.onMessage(reason)
    this.end({ guest: false, reason: 'host-error' }, 1)
  }

  private wasReset(byGuest: boolean): void {
    const reason = byGuest ? 'guest-reset' : 'host-qmp-system-reset'
    if (this.options.noReboot === true) this.end({ guest: byGuest, reason }, 0)
    else this.emit('RESET', { guest: byGuest, reason })
  }

  private end(data: Record<string, unknown>, status: number): void {
    if (this.ended) return
    this.ended = true
    if (this.machine.running) this.machine.pause()
    this.emit('SHUTDOWN', data)
    this.options.onEnd(status)
  }

  private emit(event: string, data?: Record<string, unknown>): void {
    for (const listener of [...this.listeners]) listener(event, data)
  }
}

const answer = (status: MigrationStatus, error: string | undefined): Record<string, unknown> =>
  error === undefined ? { status } : { status, 'error-desc': error }

function messageOf(thrown: unknown): string {
  if (thrown instanceof ChannelError) return thrown.detail
  return thrown instanceof Error ? thrown.message : String(thrown)
}

const socketAddress = (address: SocketAddress): Record<string, unknown> =>
  address.kind === 'unix'
    ? { path: address.path, type: 'unix' }
    : {
        port: String(address.port),
        [address.host.includes(':') ? 'ipv6' : 'ipv4']: true,
        ...{ host: address.host, type: 'inet' },
      }

function uuidBytes(text = ''): Uint8Array {
  const digits = text.replaceAll('-', '').padEnd(32, '0')
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}
