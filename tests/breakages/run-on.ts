/**
 * State that does not travel, or is not rebuilt: nothing refuses, and the guest finds out later. A machine in the
 * middle of its work and a copy made from its stream are given the same accesses; then they must be equal.
 */
import { saveBytes, type VMState } from '../../packages/vmstate/src/index.ts'
import type { Machine, Section } from '../../packages/machines/src/index.ts'
import { midOperation } from '../museum/mid-operation.ts'
import { emptyMachine } from '../museum/pieces.ts'
import { load, saved } from '../museum/streams.ts'
import type { Replay } from './replay.ts'
import { replaced, withSections } from './streams.ts'

const TYPE = 'pc-i440fx-10.0'
const made = (): Machine => emptyMachine(TYPE, 'base')

interface Scene {
  /** Brings the source to where the state matters. */
  readonly before: (machine: Machine) => void
  /** What the guest does afterwards, in both. */
  readonly after: (machine: Machine) => void
  /** The destination forgets something. */
  readonly forget: (sections: readonly Section[]) => readonly Section[]
}

const runOn = (id: number, carrier: string, { before, after, forget }: Scene): Replay => ({
  ...{ id, by: 'run-on', carrier, says: /after the same accesses/ },
  async told(faulty) {
    const source = made()
    midOperation(source)
    before(source)
    source.runState = 'paused'
    const stream = await saved(source)
    const destination = faulty ? withSections(made(), forget) : made()
    await load(destination, stream)
    const healthy = destination.sections
    for (const machine of [source, destination]) {
      after(machine)
      machine.runFor(50_000)
    }
    return differences(source.sections, healthy)
  },
})

function differences(a: readonly Section[], b: readonly Section[]): string[] {
  const bytes = (s: Section): Uint8Array => {
    s.beforeSave?.()
    return saveBytes(s.vmstate as VMState<object>, s.state)
  }
  return a.flatMap((s, i) =>
    Buffer.compare(bytes(s), bytes(b[i]!)) === 0 ? [] : [`${s.idstr}#${s.instance} is another after the same accesses`],
  )
}

/** A section whose device does nothing after a load. */
const withoutAfterLoad = (idstr: string) => replaced(idstr, (s) => ({ ...s, afterLoad: () => undefined }))

/** Numbers that the far side does not take: they stay what a fresh machine has. */
const keeping = (idstr: string, part: string | null, ...keys: string[]) =>
  replaced(idstr, (s) => {
    const state = (part === null ? s.state : (s.state as Record<string, object>)[part]) as Record<string, unknown>
    const fresh = Object.fromEntries(keys.map((k) => [k, state[k]]))
    return {
      ...s,
      afterLoad(version) {
        Object.assign(state, fresh)
        s.afterLoad?.(version)
      },
    }
  })

const nothing = (): void => undefined
const config = ({ ports }: Machine, address: number, value: number): void => {
  ports.write(0xcf8, 4, (0x8000_0000 | (address & ~3)) >>> 0)
  ports.write(0xcfc + (address & 3), 1, value)
}

export const RUN_ON: readonly Replay[] = [
  runOn(17, 'our i8259: a pending request that is not taken over', {
    before: ({ ports }) => {
      ports.write(0x43, 1, 0x30)
      ports.write(0x40, 1, 2)
      ports.write(0x40, 1, 0)
    },
    after: ({ ports }) => void ports.write(0x20, 1, 0x0a),
    forget: keeping('i8259', null, 'irr', 'last_irr'),
  }),
  runOn(18, 'our I440FX: memory not laid out anew after a load', {
    before: (m) => config(m, 0x5a, 0x33),
    // the guest writes where RAM is switched in, and the firmware reads it back into a port
    after(m) {
      m.memory.write(0xc_4000, 1, 0x5a)
      config(m, 0x5c, m.memory.read(0xc_4000, 1) & 0x33)
    },
    forget: withoutAfterLoad('0000:00:00.0/I440FX'),
  }),
  runOn(48, 'our i8042: that a parameter is awaited does not travel', {
    before: nothing,
    after: ({ ports }) => {
      ports.write(0x60, 1, 0x45)
      ports.write(0x64, 1, 0x20)
    },
    forget: keeping('pckbd', 'kbd', 'write_cmd'),
  }),
  runOn(54, 'our local APIC: what follows from its registers is not set up anew', {
    before: (m) => m.memory.write(0xfee0_0380, 4, 0x1000),
    after: nothing,
    forget: withoutAfterLoad('apic'),
  }),
]
