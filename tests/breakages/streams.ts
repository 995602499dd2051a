/** Streams of the museum against machines whose descriptions were changed. */
import { equal, u64, u8, type AnyVMState } from '../../packages/vmstate/src/index.ts'
import type { Machine, Section } from '../../packages/machines/src/index.ts'
import { openRoom, rooms } from '../museum/archive.ts'
import { emptyMachine } from '../museum/pieces.ts'
import { load, saved } from '../museum/streams.ts'
import type { Replay } from './replay.ts'

const TYPE = 'pc-i440fx-10.0'
let streams: Map<string, Uint8Array> | undefined
const piece = (moment: 'idle' | 'busy', set = 'base'): Uint8Array => {
  streams ??= openRoom(rooms().at(-1)!)
  return streams.get(`${TYPE}-${set}-${moment}`)!
}

/** The machine with some of its sections replaced. */
export function withSections(machine: Machine, edit: (sections: readonly Section[]) => readonly Section[]): Machine {
  return Object.defineProperty(machine, 'sections', { value: edit(machine.sections) })
}

/** One section with another description or state. */
export const replaced =
  (idstr: string, edit: (s: Section) => Section) =>
  (sections: readonly Section[]): Section[] =>
    sections.map((s) => (s.idstr === idstr && s.instance === 0 ? edit(s) : s))

const described = (s: Section, edit: (vmstate: AnyVMState) => Partial<AnyVMState>): Section => ({
  ...s,
  vmstate: { ...s.vmstate, ...edit(s.vmstate) },
})

/** Loads a piece and saves it again. */
const hung = (
  id: number,
  carrier: string,
  says: RegExp,
  edit: (sections: readonly Section[]) => readonly Section[],
): Replay => ({
  ...{ id, by: 'museum', carrier, says },
  async told(faulty) {
    const bytes = piece('busy')
    let machine = emptyMachine(TYPE, 'base')
    if (faulty) machine = withSections(machine, edit)
    try {
      await load(machine, bytes)
      machine.runState = 'paused'
      return Buffer.compare(await saved(machine), bytes) === 0 ? [] : ['saved again it is not the same']
    } catch (thrown) {
      return [(thrown as Error).message]
    }
  },
})

/** One field of a description with another codec. */
const recoded = (idstr: string, key: string, codec: object) =>
  replaced(idstr, (s) => described(s, (v) => ({ fields: { ...v.fields, [key]: codec } })))

export const STREAMS: readonly Replay[] = [
  hung(13, 'our ioapic: a register is demanded to be equal', /ioregsel/, recoded('ioapic', 'ioregsel', equal(u8))),
  hung(14, 'our hpet: a register is demanded to be equal', /config/, recoded('hpet', 'config', equal(u64))),
  hung(19, 'our machine without a section that old streams carry', /vmmouse/, (sections) =>
    sections.filter((s) => s.idstr !== 'vmmouse'),
  ),
  hung(
    22,
    'our hpet: a subsection that is always needed',
    /not the same/,
    replaced('hpet', (s) => described(s, (v) => ({ fields: alwaysNeeded(v.fields) }))),
  ),
  hung(55, 'our mc146818rtc: the state of another device', /\S/, (sections) => {
    const other = sections.find((s) => s.idstr === 'dma')!
    return replaced('mc146818rtc', (s) => ({ ...s, state: other.state }))(sections)
  }),
]

/** All subsections of the table are sent whatever the state. */
function alwaysNeeded(fields: object): object {
  const subs = new Map<object, object>()
  return Object.fromEntries<object>(
    Object.entries(fields).map(([key, field]: [string, { fate?: string; sub?: object }]): [string, object] => {
      if (field.fate !== 'inside') return [key, field]
      if (!subs.has(field.sub!)) subs.set(field.sub!, { ...field.sub, needed: () => true })
      return [key, { ...field, sub: subs.get(field.sub!) }]
    }),
  )
}
