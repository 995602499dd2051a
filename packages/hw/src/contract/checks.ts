/** What every device owes, as functions that return what is wrong: an empty list is a device that keeps the contract. */
import { Writer } from '@godwit/bits'
import { loadBytes, saveBytes, VMStateError } from '@godwit/vmstate'
import { differences } from './differences.ts'
import { rigOf, sizesOf, vmstateOf, type AnyDef, type Rig, type RigOptions } from './rig.ts'
import { rngOf } from './rng.ts'

export interface CheckOptions extends RigOptions {
  /** Output wires that must move during the storm. */
  readonly wires?: readonly string[] | undefined
  /** Keys of the state that may differ after loading, because they are computed when they are needed. */
  readonly lazy?: readonly string[] | undefined
  /** How many moments are saved; default 100. */
  readonly moments?: number | undefined
  readonly seed?: number | undefined
}

export type Check = (def: AnyDef, options: CheckOptions) => string[]

const STEPS_BETWEEN = 10
const STEPS_AFTER = 40
const AFTER_NS = 5_000_000n
/** One failure of a storm tells enough; its followers are noise. */
const ENOUGH = 3

/** The strongest: saved at any moment and loaded elsewhere, the device goes on as if nothing had happened. */
export const goesOnAfterLoading: Check = (def, options) => {
  if (def.vmstate === 'stateless') return []
  const wrong: string[] = []
  const rig = rigOf(def, options)
  const rng = rngOf(options.seed ?? 1)
  for (let moment = 0; moment < (options.moments ?? 100) && wrong.length < ENOUGH; moment++) {
    for (let i = 0; i < STEPS_BETWEEN; i++) rig.step(rng)
    const say = (text: string): void => {
      wrong.push(`moment ${moment}, ${rig.time.virtual.now()} ns: ${text}`)
    }
    const bytes = attempt(say, 'saving', () => rig.save())
    if (bytes === undefined) break
    const copy = rigOf(def, options)
    // every other destination has been used before, as when a snapshot is loaded into a running machine
    if (moment % 2 === 1) {
      const other = rngOf(moment)
      for (let i = 0; i < STEPS_BETWEEN; i++) copy.step(other)
    }
    copy.log.length = 0
    if (attempt(say, 'loading', () => (copy.take(rig, bytes, moment % 4 < 2), true)) === undefined) break
    if (copy.log.length > 0) say(`loading made an edge: ${copy.log.join('; ')}`)
    compare(rig, copy, options, 'after loading', say)
    if (wrong.length > 0) break
    rig.log.length = copy.log.length = 0
    for (const one of [rig, copy]) {
      const same = rngOf(1000 + moment)
      for (let i = 0; i < STEPS_AFTER; i++) {
        one.access(same)
        one.access(same)
        one.time.advance(AFTER_NS / BigInt(STEPS_AFTER))
      }
    }
    const at = rig.log.findIndex((line, i) => line !== copy.log[i])
    if (at >= 0) say(`original: ${rig.log[at]}, copy: ${copy.log[at] ?? 'nothing'}`)
    else if (copy.log.length > rig.log.length) say(`only the copy: ${copy.log[rig.log.length]}`)
    compare(rig, copy, options, '5 ms later', say)
  }
  return wrong
}

function compare(rig: Rig, copy: Rig, options: CheckOptions, when: string, say: (text: string) => void): void {
  const [mine, theirs] = [attempt(say, 'saving', () => rig.save()), attempt(say, 'saving', () => copy.save())]
  if (mine !== undefined && theirs !== undefined && !mine.every((b, i) => b === theirs[i])) {
    say(`${when} the two save different bytes`)
  }
  for (const text of differences(rig.device.state, copy.device.state, options.lazy ?? [])) say(`${when} state.${text}`)
  for (const text of differences(rig.levels(), copy.levels(), [])) say(`${when} wire ${text}`)
  if (rig.ram.some((b, i) => b !== copy.ram[i])) say(`${when} the two wrote different memory`)
}

/** A run with saves and a run without them look the same to the guest; so do two runs at all. */
export const savingIsInvisible: Check = (def, options) => {
  const logs = [false, true].map((saves) => {
    const rig = rigOf(def, options)
    const rng = rngOf((options.seed ?? 1) + 7)
    for (let i = 0; i < 500; i++) {
      rig.step(rng)
      if (saves && i % 5 === 0 && def.vmstate !== 'stateless')
        attempt(
          () => undefined,
          '',
          () => rig.save(),
        )
    }
    return rig.log
  })
  const at = logs[0]!.findIndex((line, i) => line !== logs[1]![i])
  return at < 0 ? [] : [`without saving: ${logs[0]![at]}, with: ${logs[1]![at] ?? 'nothing'}`]
}

/** No offset, size or value makes a handler throw, and every read gives an integer. */
export const handlersNeverThrow: Check = (def, options) => {
  const wrong: string[] = []
  const rig = rigOf(def, options)
  const say = (text: string): void => {
    wrong.push(text)
  }
  const rng = rngOf(3)
  for (const { regs, io } of rig.tables) {
    const end = Math.max(0, ...Object.values(regs).map((r) => r.offset + r.width)) + 4
    for (let offset = 0; offset < end && wrong.length < ENOUGH; offset++) {
      for (const size of sizesOf(rig.model)) {
        const limit = 2 ** (8 * size) - 1
        for (const value of [0, limit, 2 ** (8 * size - 1), rng.value(size)]) {
          const what = `write of ${value} to offset ${offset}, ${size} bytes`
          attempt(say, what, () => io.write(offset, size, value))
        }
        attempt(say, `read of offset ${offset}, ${size} bytes`, () => {
          const got: unknown = io.read(offset, size)
          if (!Number.isInteger(got)) say(`read of offset ${offset} gives ${String(got)}`)
        })
      }
    }
  }
  const ends = rngOf(4)
  for (let i = 0; i < 2000 && wrong.length < ENOUGH; i++) attempt(say, `step ${i} of the storm`, () => rig.step(ends))
  return wrong
}

/** Registers do not overlap, and each has a sentence. */
export const registersAreDocumented: Check = (def, options) => {
  const wrong: string[] = []
  for (const { regs } of rigOf(def, options).tables) {
    const owner = new Map<number, string>()
    for (const [name, r] of Object.entries(regs)) {
      if (r.doc === '') wrong.push(`register ${name} has no sentence`)
      for (let at = r.offset; at < r.offset + r.width; at++) {
        if (owner.has(at)) wrong.push(`registers ${owner.get(at)} and ${name} both cover offset ${at}`)
        owner.set(at, name)
      }
    }
  }
  return wrong
}

/** A second reset at the same moment changes nothing, and what a reset leaves can be saved and loaded. */
export const resetSettles: Check = (def, options) => {
  const wrong: string[] = []
  const rig = rigOf(def, options)
  const rng = rngOf(5)
  for (let round = 0; round < 10 && wrong.length === 0; round++) {
    for (let i = 0; i < 100; i++) rig.step(rng)
    rig.model.reset()
    const state = structuredClone(rig.device.state)
    const levels = rig.levels()
    rig.model.reset()
    wrong.push(...differences(state, rig.device.state, []).map((text) => `second reset changes state.${text}`))
    wrong.push(...differences(levels, rig.levels(), []).map((text) => `second reset changes wire ${text}`))
    if (def.vmstate !== 'stateless')
      attempt(
        (text) => wrong.push(text),
        'saving after reset',
        () => rig.save(),
      )
  }
  return wrong
}

/** The output wires that the test names move during the storm: a storm that touches nothing proves nothing. */
export const stormMovesWires: Check = (def, options) => {
  const rig = rigOf(def, options)
  const rng = rngOf(options.seed ?? 1)
  for (let i = 0; i < (options.moments ?? 100) * (STEPS_BETWEEN + STEPS_AFTER); i++) rig.step(rng)
  const known = def.wires as readonly string[]
  return (options.wires ?? []).flatMap((name) => {
    if (!known.includes(name)) return [`there is no wire ${name}; there are ${known.join(', ') || 'none'}`]
    return rig.log.some((line) => line.includes(` ${name} `)) ? [] : [`wire ${name} never moved in the storm`]
  })
}

/** Streams of other versions, cut ones, ones with unknown parts: refused with a VMStateError. */
export const refusesForeignStreams: Check = (def, options) => {
  if (def.vmstate === 'stateless') return []
  const vmstate = vmstateOf(def)
  const wrong: string[] = []
  const rig = rigOf(def, options)
  const rng = rngOf(6)
  for (let i = 0; i < 200; i++) rig.step(rng)
  const bytes = attempt(
    (text) => wrong.push(text),
    'saving',
    () => rig.save(),
  )
  if (bytes === undefined) return wrong

  const refused = (what: string, code: string | null, data: Uint8Array, version: number): boolean => {
    const { state } = rigOf(def, options).device
    try {
      loadBytes(vmstate, state as never, data, version)
    } catch (thrown) {
      if (!(thrown instanceof VMStateError)) wrong.push(`${what}: ${String(thrown)} instead of a VMStateError`)
      else if (code !== null && thrown.code !== code) wrong.push(`${what}: code ${thrown.code} instead of ${code}`)
      return true
    }
    if (code !== null) wrong.push(`${what} was loaded`)
    return false
  }
  refused('a later version', 'version', bytes, vmstate.version + 1)
  refused('an earlier version than the least', 'version', bytes, vmstate.minVersion - 1)
  const unknown = new Writer()
  unknown.raw(bytes)
  unknown.u8(5)
  unknown.str8(`${vmstate.name}/nobody-knows`)
  unknown.u32(1)
  refused('an unknown subsection', 'unknown-subsection', unknown.bytes(), vmstate.version)
  // a stream may end where a subsection could begin, and nowhere else
  const plain = lengthWithoutSubsections(bytes, vmstate.name)
  const cuts = [...new Set([0, 1, plain >> 1, plain - 2, plain - 1])].filter((n) => n >= 0 && n < plain)
  for (const cut of cuts)
    refused(`a stream cut after ${cut} of ${bytes.length} bytes`, 'end-of-bytes', bytes.slice(0, cut), vmstate.version)
  return wrong
}

/** Bytes before the first subsection of the outermost description. */
function lengthWithoutSubsections(bytes: Uint8Array, name: string): number {
  for (let at = 0; at + 2 + name.length <= bytes.length; at++) {
    if (bytes[at] === 5 && [...name].every((c, i) => bytes[at + 2 + i] === c.charCodeAt(0))) return at
  }
  return bytes.length
}

/** What was saved and loaded saves the same bytes again. */
export const roundTrips: Check = (def, options) => {
  if (def.vmstate === 'stateless') return []
  const vmstate = vmstateOf(def)
  const wrong: string[] = []
  const rig = rigOf(def, options)
  const rng = rngOf(8)
  for (let round = 0; round < 20 && wrong.length === 0; round++) {
    for (let i = 0; i < 20; i++) rig.step(rng)
    attempt(
      (text) => wrong.push(text),
      'round trip',
      () => {
        const bytes = rig.save()
        const { state } = rigOf(def, options).device
        loadBytes(vmstate, state as never, bytes)
        const again = saveBytes(vmstate, state as never)
        if (again.length !== bytes.length || again.some((b, i) => b !== bytes[i])) {
          wrong.push(`saved ${bytes.length} bytes, loaded, and saved ${again.length} different bytes`)
        }
        return true
      },
    )
  }
  return wrong
}

/** All of it: the sentence of each check, and the check. */
export const checks: Readonly<Record<string, Check>> = {
  'goes on after loading as if nothing had happened': goesOnAfterLoading,
  'is not changed by saving, and runs alike each time': savingIsInvisible,
  'has handlers that never throw': handlersNeverThrow,
  'has registers that do not overlap and say what they are': registersAreDocumented,
  'settles with the first reset': resetSettles,
  'moves its wires in the storm': stormMovesWires,
  'refuses versions, cuts and subsections it does not know': refusesForeignStreams,
  'saves what it loaded': roundTrips,
}

/** Every failure of a device, with the check that found it. */
export function failuresOf(def: AnyDef, options: CheckOptions): string[] {
  return Object.entries(checks).flatMap(([sentence, check]) => {
    try {
      return check(def, options).map((text) => `${sentence}: ${text}`)
    } catch (thrown) {
      return [`${sentence}: ${String(thrown)}`]
    }
  })
}

function attempt<T>(say: (text: string) => void, what: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (thrown) {
    say(`${what}: ${String(thrown)}`)
    return undefined
  }
}
