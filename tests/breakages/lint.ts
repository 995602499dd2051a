/** Sections that are wrong by themselves. */
import { lintSections, lintText } from '../../packages/compat/src/index.ts'
import type { Section } from '../../packages/machines/src/index.ts'
import { emptyMachine } from '../museum/pieces.ts'
import type { Replay } from './replay.ts'
import { replaced } from './streams.ts'

const TYPE = 'pc-i440fx-10.0'

const lint = (
  id: number,
  carrier: string,
  says: RegExp,
  edit: (s: readonly Section[]) => readonly Section[],
): Replay => ({
  ...{ id, by: 'lint', carrier, says },
  told(faulty) {
    const [a, b] = [emptyMachine(TYPE, 'base').sections, emptyMachine(TYPE, 'base').sections]
    return (faulty ? lintSections(edit(a), edit(b)) : lintSections(a, b)).map(lintText)
  },
})

type Sub = { name: string; needed: (s: unknown) => boolean; parent?: Sub }

/** Changes the subsections of a section. */
const subsections = (idstr: string, edit: (sub: Sub, index: number) => Partial<Sub>) =>
  replaced(idstr, (s) => {
    const subs = new Map<Sub, Sub>()
    const fields = Object.entries(s.vmstate.fields as Record<string, { fate?: string; sub?: Sub }>).map(
      ([key, field]) => {
        if (field.fate !== 'inside') return [key, field] as const
        const { sub } = field as { sub: Sub }
        if (!subs.has(sub)) subs.set(sub, { ...sub, ...edit(sub, subs.size) })
        return [key, { ...field, sub: subs.get(sub) }] as const
      },
    )
    return { ...s, vmstate: { ...s.vmstate, fields: Object.fromEntries<object>(fields) } }
  })

export const LINT: readonly Replay[] = [
  lint(
    23,
    'our hpet: a condition that follows what is not there',
    /fails on a machine that was just made/,
    subsections('hpet', () => ({ needed: (s) => (s as { stream: { running: boolean } }).stream.running })),
  ),
  lint(27, 'our serial port, registered by two', /its state is also that of serial#0/, (sections) => {
    const serial = sections.find((s) => s.idstr === 'serial')!
    return [...sections, { ...serial, idstr: 'isa-serial' }]
  }),
  lint(
    37,
    'our hpet: a condition that reads beside the state',
    /reads something else than the state/,
    (() => {
      let beside = 0
      return subsections('hpet', () => ({ needed: () => (beside++ & 1) === 0 }))
    })(),
  ),
  lint(
    43,
    'our hpet: a subsection with the name of another',
    /two subsections have this name/,
    subsections('hpet', () => ({ name: 'hpet/rtc_irq_level' })),
  ),
]
