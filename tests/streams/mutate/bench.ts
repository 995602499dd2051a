/** A machine that takes one damaged stream after another, and the judgement of what it did with each. */
import { differences, type Difference } from './compare.ts'
import { exceptionFor } from './exceptions.ts'
import type { Mutant } from './mutant.ts'
import {
  applyXbzrle,
  createMachine,
  describe,
  IncomingMigration,
  load as loadState,
  memoryChannels,
  MigrationError,
  restore,
  saveBytes,
  snapshot,
  StreamReader,
  type Machine,
  type Migratable,
  type StreamItem,
  type VMState,
} from './product.ts'

/** Calls of the clocks in one load: far more than the board has timers. A load that makes more would never end. */
const MOST_WORK = 20_000
const PAGE = 4096

export interface Shape {
  readonly type: string
  readonly cpu: string
  readonly props: Readonly<Record<string, string>>
  /** Wall time at the zero of the guest's clock, ns since 1970: the recording machine's. */
  readonly epochNs?: bigint
}

export type Verdict =
  | { readonly outcome: 'refused'; readonly code: string; readonly message: string }
  | { readonly outcome: 'accepted'; readonly exceptions: readonly string[] }
  | { readonly outcome: 'bug'; readonly why: string; readonly detail: string }

type Loaded = { readonly ok: true } | { readonly ok: false; readonly error: unknown; readonly spoiled: boolean }
type Sections = Machine['sections']

/** Thrown when work that must end soon does not. */
export class WorkBound extends Error {
  override readonly name = 'WorkBound'
}

export function newMachine(shape: Shape): Machine {
  const { type, cpu, props, epochNs } = shape
  const time = epochNs === undefined ? {} : { epochNs }
  return createMachine({ type, cpu, props, memoryBytes: 128 * 2 ** 20, incoming: true, time })
}

/** Counts what the machine asks of its clocks; throws when it is more than `most`. */
export function watch(machine: Machine): { allow(most: number): void } {
  let left = Infinity
  for (const clock of [machine.time.virtual, machine.time.host]) {
    const now = clock.now.bind(clock)
    clock.now = () => {
      if (left-- <= 0) throw new WorkBound('the clocks were asked too often')
      return now()
    }
    const heard = clock.onDeadline
    clock.onDeadline = () => {
      if (left-- <= 0) throw new WorkBound('timers were set too often')
      heard?.()
    }
  }
  return { allow: (most) => void (left = most) }
}

/** The machine without a memory of failures, so that it can be used again. */
function reusable(machine: Machine, onSpoil: () => void): Migratable {
  return {
    machineType: machine.machineType,
    ramBlocks: machine.ramBlocks,
    sections: machine.sections,
    running: false,
    get runState() {
      return machine.runState
    },
    set runState(name) {
      machine.runState = name
    },
    get carriedRunState() {
      return machine.carriedRunState
    },
    set carriedRunState(name) {
      machine.carriedRunState = name
    },
    pause: () => undefined,
    resume: () => undefined,
    spoil: onSpoil,
    explain: (name) => machine.explain(name),
  }
}

/** Runs a machine that took a hostile guest; what must not happen, or undefined. */
export function runOn(machine: Machine, work: { allow(most: number): void }, instructions: number): string | undefined {
  work.allow(MOST_WORK + 4 * instructions)
  try {
    machine.runFor(instructions)
    work.allow(MOST_WORK)
    for (const s of machine.sections) {
      s.beforeSave?.()
      saveBytes(s.vmstate as VMState<object>, s.state)
    }
    return undefined
  } catch (thrown) {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  }
}

export async function load(machine: Machine, bytes: Uint8Array, pieces: number): Promise<Loaded> {
  let spoiled = false
  const [source, channel] = memoryChannels({ highWaterBytes: Infinity })
  for (let at = 0; at < bytes.length; at += pieces) await source.send(bytes.subarray(at, at + pieces))
  await source.close()
  const incoming = new IncomingMigration({
    machine: reusable(machine, () => (spoiled = true)),
    channel,
    autostart: false,
  })
  const result = await incoming.run()
  return result.outcome === 'completed' ? { ok: true } : { ok: false, error: result.error, spoiled }
}

export class Bench {
  private readonly shape: Shape
  private readonly pristine: Uint8Array
  private machine!: Machine
  private work!: { allow(most: number): void }
  private before: (readonly (() => void)[])[] = []
  /** Takes sections apart a second time, independently of the migration. */
  private readonly scratch: Sections
  private readonly scratchBefore: (readonly (() => void)[])[]
  machines = 0

  private constructor(shape: Shape, pristine: Uint8Array) {
    this.shape = shape
    this.pristine = pristine
    this.scratch = newMachine(shape).sections
    this.scratchBefore = this.scratch.map((s) => snapshot(s.vmstate, s.state))
  }

  static async of(shape: Shape, pristine: Uint8Array): Promise<Bench> {
    const bench = new Bench(shape, pristine)
    await bench.renew()
    return bench
  }

  /** A new machine in the state of the undamaged stream. */
  private async renew(): Promise<void> {
    this.machine = newMachine(this.shape)
    this.machines++
    this.work = watch(this.machine)
    for (const block of this.machine.ramBlocks) block.dirty.start(false)
    const loaded = await load(this.machine, this.pristine, this.pristine.length)
    if (!loaded.ok) throw loaded.error
    this.before = this.machine.sections.map((s) => snapshot(s.vmstate, s.state))
  }

  /** Forgets the last mutant: states and memory are those of the undamaged stream, timers and wires may be others. */
  private reset(): void {
    for (const block of this.machine.ramBlocks) {
      block.usedSize = Math.min(block.usedSize, block.maxSize)
      for (const page of block.dirty.collect()) block.bytes.fill(0, page * PAGE, (page + 1) * PAGE)
    }
    for (const state of this.before) restore(state)
  }

  /** Judges a mutant; what looks wrong is judged again by a machine that has seen no other. */
  async judge(mutant: Mutant): Promise<Verdict> {
    this.reset()
    const verdict = await this.take(mutant)
    if (verdict.outcome !== 'bug') return verdict
    await this.renew()
    return this.take(mutant)
  }

  private async take(mutant: Mutant): Promise<Verdict> {
    const { bytes, seed } = mutant
    const pieces = seed % 7 === 0 ? 200 + (seed % 997) : Math.max(1, bytes.length)
    this.work.allow(MOST_WORK)
    let loaded: Loaded
    try {
      loaded = await load(this.machine, bytes, pieces)
    } catch (thrown) {
      return bug('the migration threw', thrown)
    }
    this.work.allow(MOST_WORK)
    for (const block of this.machine.ramBlocks) {
      if (block.usedSize > block.maxSize) return bug('a block grew', block.name)
    }
    if (!loaded.ok) return refusal(loaded.error, bytes)
    try {
      return this.compare(bytes)
    } catch (thrown) {
      return bug('an accepted stream cannot be looked at again', thrown)
    }
  }

  /** Whether the machine holds and writes what came. */
  private compare(bytes: Uint8Array): Verdict {
    const exceptions = new Set<string>()
    for (const state of this.scratchBefore) restore(state)
    const items = [...this.items(bytes)]
    for (const item of items) {
      const problem = this.compareItem(item, exceptions)
      if (problem !== undefined) return bug(...problem)
    }
    const wrong = this.compareRam(items)
    if (wrong !== undefined) return bug('RAM is not what came', wrong)
    return { outcome: 'accepted', exceptions: [...exceptions] }
  }

  private compareItem(item: StreamItem, exceptions: Set<string>): [string, string] | undefined {
    if (item.kind === 'configuration') {
      if (item.machine !== this.shape.type) return ['another machine type was accepted', item.machine]
      return undefined
    }
    if (item.kind !== 'device') return undefined
    const { idstr, instance, version, payload } = item
    const section = this.machine.sections.find((s) => s.idstr === idstr && s.instance === instance)
    if (section === undefined) return ['an unknown section was accepted', `${idstr}/${instance}`]
    section.beforeSave?.()
    const vmstate = section.vmstate as VMState<object>
    const again = saveBytes(vmstate, section.state, version)
    if (Buffer.compare(again, payload) === 0) return undefined
    for (const d of differences(payload, again, describe(vmstate, section.state, version))) {
      const reason = exceptionFor(idstr, d)
      if (reason === undefined) return [`${d.kind} ${idstr} ${plain(d)}`, `came ${hex(d.came)}, kept ${hex(d.kept)}`]
      exceptions.add(`${idstr} ${d.kind} ${plain(d)}`)
    }
    return undefined
  }

  private *items(bytes: Uint8Array): Generator<StreamItem> {
    const reader = new StreamReader({
      decode: (head, r) => {
        const s = this.scratch.find((x) => x.idstr === head.idstr && x.instance === head.instance)!
        loadState(s.vmstate as VMState<object>, s.state, r, head.version)
      },
    })
    reader.feed(bytes)
    reader.end()
    while (!reader.complete) {
      const item = reader.next()
      if (item === undefined) return
      yield item
    }
  }

  private compareRam(items: readonly StreamItem[]): string | undefined {
    const pages = new Map<string, Uint8Array>()
    for (const item of items) {
      if (item.kind !== 'ramPage' && item.kind !== 'ramZero' && item.kind !== 'ramXbzrle') continue
      const key = `${item.block} ${item.pageOffset}`
      if (item.kind === 'ramXbzrle') {
        const page = pages.get(key) ?? new Uint8Array(PAGE)
        applyXbzrle(page, item.data)
        pages.set(key, page)
      } else pages.set(key, item.kind === 'ramPage' ? item.data.slice() : new Uint8Array(PAGE))
    }
    for (const [key, page] of pages) {
      const [name, offset] = key.split(' ')
      const block = this.machine.ramBlocks.find((b) => b.name === name)!
      if (Buffer.compare(block.bytes.subarray(Number(offset), Number(offset) + PAGE), page) !== 0) return key
    }
    return undefined
  }
}

const hex = (b: Uint8Array): string => {
  const text = Buffer.from(b.subarray(0, 24)).toString('hex')
  return b.length > 24 ? `${text}...` : text
}
const plain = (d: Difference): string => d.path.replace(/\[\d+\]/g, '[]')

function bug(why: string, what: unknown): Verdict {
  const detail = what instanceof Error ? (what.stack ?? what.message) : String(what)
  return { outcome: 'bug', why, detail }
}

/** A refusal must be an error with a kind and a place, and no accident of the program. */
function refusal(error: unknown, bytes: Uint8Array): Verdict {
  if (!(error instanceof MigrationError)) return bug('an error without a type', error)
  const { code, offset, message, path } = error
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TypeError || cause instanceof ReferenceError || cause instanceof WorkBound) {
      return bug('an accident as a refusal', cause)
    }
  }
  // a mutant that opens a return path has nobody at its other end
  if (code === 'channel' && error.phase === 'handOver') return { outcome: 'refused', code, message }
  if (code === 'channel' || code === 'cancelled') return bug('an error of the wrong kind', error)
  if (offset === undefined || offset < 0 || offset > bytes.length) return bug('an error without an offset', message)
  if (code === 'device' && path === undefined) return bug('an error without its section', message)
  return { outcome: 'refused', code, message }
}
