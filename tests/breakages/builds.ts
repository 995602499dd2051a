/** Builds as data with one thing changed, and what the checker says of going from one to the other and back. */
import { readFileSync } from 'node:fs'
import {
  checkBoth,
  godwitBuild,
  parseBuild,
  type Build,
  type CheckOptions,
  type Schema,
  type SchemaField,
} from '../../packages/compat/src/index.ts'

/** A build whose parts may be written to. */
export type Draft = { -readonly [K in keyof Build]: DeepDraft<Build[K]> }
type DeepDraft<T> = T extends readonly (infer E)[]
  ? DeepDraft<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: DeepDraft<T[K]> }
    : T

const builds = new Map<string, Build>()
export function qemu(release: string): Build {
  const path = new URL(`../../packages/compat/data/qemu/${release}.json`, import.meta.url)
  if (!builds.has(release)) builds.set(release, parseBuild(readFileSync(path, 'utf8')))
  return builds.get(release)!
}
export function ours(): Build {
  if (!builds.has('ours')) builds.set('ours', godwitBuild())
  return builds.get('ours')!
}

export function changed(build: Build, edit: (draft: Draft) => void): Build {
  const draft = structuredClone(build) as Draft
  edit(draft)
  return draft
}

/** What stands in the way in either direction, a line each; what is fine is left out. */
export function obstacles(a: Build, b: Build, machine: string, options: CheckOptions = {}): string[] {
  const { there, back } = checkBoth(a, b, machine, options)
  return [...there, ...back]
    .filter((v) => v.kind !== 'fine')
    .map((v) => `${v.kind} ${v.code} ${v.path}: ${v.reason}${v.remedy === undefined ? '' : ` [${v.remedy}]`}`)
}

type DraftSchema = DeepDraft<Schema>

/** The description of a device, to be changed. */
export function schemaOf(draft: Draft, type: string): DraftSchema {
  const schema = draft.devices[type]?.schema ?? draft.sections[type]
  if (schema === undefined) throw new Error(`no description of ${type}`)
  return schema
}

export const aField = (name: string, size = 4): DeepDraft<SchemaField> => ({ name, type: 'uint32', size, since: 0 })

export const aSubsection = (name: string): DeepDraft<Schema['subsections'][number]> => ({
  ...{ name, version: 1, minVersion: 1, subsections: [], when: { kind: 'always' } },
  fields: [aField('x')],
})

/** Takes a compat property away from every machine. */
export function dropRow(draft: Draft, type: string, property: string): void {
  for (const m of draft.machines) m.compat = m.compat.filter((c) => c.type !== type || c.property !== property)
}
