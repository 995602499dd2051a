/** What is wrong with a machine's sections whatever they are compared with: names, places, and conditions. */
import type { Section } from '@godwit/machines'
import type { AnyVMState, Codec, Subsection } from '@godwit/vmstate'

export interface LintFinding {
  /** The section or subsection. */
  readonly where: string
  readonly what: string
  readonly remedy: string
}

export const lintText = ({ where, what, remedy }: LintFinding): string => `${where}: ${what}\n  remedy: ${remedy}`

/** `twin`: sections of a machine made the same way, in the same order; a condition must say the same of both. */
export function lintSections(sections: readonly Section[], twin: readonly Section[]): LintFinding[] {
  return [
    ...twice(sections),
    ...sections.flatMap((s, i) => lintDescription(s.vmstate, s.state, twin[i]?.state ?? s.state)),
  ]
}

function twice(sections: readonly Section[]): LintFinding[] {
  const found: LintFinding[] = []
  const names = new Map<string, Section>()
  const states = new Map<object, string>()
  for (const s of sections) {
    const name = `${s.idstr}#${s.instance}`
    if (names.has(name)) {
      found.push({
        where: name,
        what: 'two sections have this name and instance id: the far side loads the second over the first',
        remedy: 'one section a device; a second device of the kind has the next instance id',
      })
    }
    names.set(name, s)
    const other = states.get(s.state)
    if (other !== undefined) {
      found.push({
        where: name,
        what: `its state is also that of ${other}: it is on the wire twice`,
        remedy: 'a device inside another is saved by one of them: give the section to the one that QEMU gives it to',
      })
    }
    states.set(s.state, name)
  }
  return found
}

/** Subsections of a description and of the structs in it. Conditions are asked of the outermost state alone. */
function lintDescription(vmstate: AnyVMState, state: object, twin: object): LintFinding[] {
  const found: LintFinding[] = []
  for (const sub of subsectionsOf(vmstate)) found.push(...lintNeeded(sub, state, twin))
  for (const level of descriptionsIn(vmstate)) found.push(...lintNames(level))
  return found
}

function lintNames(vmstate: AnyVMState): LintFinding[] {
  const found: LintFinding[] = []
  const names = new Set<string>()
  for (const sub of subsectionsOf(vmstate)) {
    if (names.has(sub.name)) {
      found.push({
        where: sub.name,
        what: 'two subsections have this name: the first takes the bytes of both',
        remedy: 'a subsection has a name of its own below its parent',
      })
    }
    names.add(sub.name)
    const parent = sub.parent?.name ?? vmstate.name
    if (!sub.name.startsWith(parent)) {
      found.push({
        where: sub.name,
        what: `its name does not begin with "${parent}": a receiver takes it for the end of the section`,
        remedy: `call it "${parent}/…"`,
      })
    }
  }
  return found
}

function lintNeeded(sub: Subsection<unknown>, state: object, twin: object): LintFinding[] {
  try {
    const answers = [state, state, twin, state].map((s) => sub.needed(s))
    if (answers.every((a) => a === answers[0])) return []
    return [
      {
        where: sub.name,
        what: 'its condition says this and that of equal states: it reads something else than the state',
        remedy: '`needed` is a function of the described fields and of properties, and of nothing else',
      },
    ]
  } catch (thrown) {
    return [
      {
        where: sub.name,
        what: `its condition fails on a machine that was just made: ${(thrown as Error).message}`,
        remedy: '`needed` must hold for every state the device can be in, unused parts included',
      },
    ]
  }
}

type AnyField = { readonly fate?: string; readonly sub?: Subsection<unknown>; readonly field?: AnyField }

/** The subsections of one description, in wire order. */
export function subsectionsOf(vmstate: AnyVMState): Subsection<unknown>[] {
  const subs = new Set<Subsection<unknown>>()
  for (const field of Object.values(vmstate.fields) as AnyField[]) {
    if (field.fate !== 'inside') continue
    for (let sub = field.sub; sub !== undefined; sub = sub.parent) subs.add(sub)
  }
  return [...subs]
}

/** A description and those of the structs inside it. */
function descriptionsIn(vmstate: AnyVMState, seen = new Set<AnyVMState>()): Set<AnyVMState> {
  if (seen.has(vmstate)) return seen
  seen.add(vmstate)
  for (const field of Object.values(vmstate.fields)) {
    const inner = structOf(field)
    if (inner !== undefined) descriptionsIn(inner, seen)
  }
  return seen
}

/** The description inside a field, behind whatever wraps its codec. */
function structOf(field: unknown): AnyVMState | undefined {
  let at = field as Record<string, unknown> | undefined
  for (let depth = 0; depth < 8 && typeof at === 'object'; depth++) {
    const shape = (at as unknown as Codec<unknown>).shape
    if (shape?.kind === 'struct' || shape?.kind === 'tmp') return shape.vmstate
    at = (shape?.kind === 'array' || shape?.kind === 'list' ? shape.element : (at['codec'] ?? at['field'])) as typeof at
  }
  return undefined
}
