/** Builds of real QEMUs: the committed text of what scripts/collect-qemu.mjs found, and what no dump tells added to it. */
import { compareVersions, minorOf } from '@godwit/machines'
import type { Build, BuildDevice, CompatProperty, Condition, Schema, SchemaField } from './build.ts'
import { misshapen } from './build-shape.ts'
import { FIELDS, SUBSECTIONS, type History } from './check/knowledge-conditions.ts'
import { factsOf } from './check/knowledge-facts.ts'
import { HIDDEN } from './check/knowledge-hidden.ts'

/** A text that is no build. */
export class BuildError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BuildError'
  }
}

type Packed<T> = T extends { struct?: Schema } ? Omit<T, 'struct'> & { readonly struct?: PackedSchema | string } : never
interface PackedSchema extends Omit<Schema, 'fields' | 'subsections'> {
  readonly fields: readonly Packed<SchemaField>[]
  readonly subsections: readonly (PackedSchema & { readonly when: Condition })[]
}
interface PackedBuild extends Omit<Build, 'machines' | 'devices' | 'sections'> {
  readonly rows?: readonly string[]
  readonly machines: readonly (Omit<Build['machines'][number], 'compat'> & {
    readonly compat: readonly (number | CompatProperty)[]
  })[]
  readonly devices: Readonly<Record<string, Omit<BuildDevice, 'schema'> & { readonly schema?: PackedSchema }>>
  readonly sections: Readonly<Record<string, PackedSchema>>
  readonly structs?: Readonly<Record<string, PackedSchema>>
}

/** Reads a build's JSON, packed as collected or plain as `godwit compat describe` writes it. Throws BuildError. */
export function parseBuild(json: string): Build {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (e) {
    throw new BuildError(`a build is JSON: ${(e as Error).message}`)
  }
  const packed = raw as PackedBuild
  for (const key of ['release', 'machines', 'boards', 'devices', 'sections', 'cpus'] as const) {
    if (packed === null || typeof packed !== 'object' || packed[key] === undefined) {
      throw new BuildError(`a build has "${key}"; this text has none`)
    }
  }
  if (packed.format !== 1) throw new BuildError(`a build of format 1 is expected, came ${String(packed.format)}`)
  const misfit = misshapen(raw)
  if (misfit !== undefined) throw new BuildError(misfit)
  const plain = unpacked(packed)
  return plain.engine === 'qemu' ? annotated(plain) : plain
}

function unpacked(packed: PackedBuild): Build {
  const { rows = [], structs = {}, ...rest } = packed
  const known = new Map<string, Schema>()
  const open = new Set<string>()
  const structOf = (name: string): Schema => {
    const there = known.get(name)
    if (there !== undefined) return there
    const found = structs[name]
    if (found === undefined || open.has(name))
      throw new BuildError(`struct "${name}" is not in the build, or holds itself`)
    open.add(name)
    const schema = whole(found)
    open.delete(name)
    known.set(name, schema)
    return schema
  }
  const fieldOf = ({ struct, ...field }: Packed<SchemaField>): SchemaField =>
    struct === undefined ? field : { ...field, struct: typeof struct === 'string' ? structOf(struct) : whole(struct) }
  const whole = <P extends PackedSchema>(schema: P): P & Schema => ({
    ...schema,
    fields: schema.fields.map(fieldOf),
    subsections: schema.subsections.map(whole),
  })
  return {
    ...rest,
    machines: packed.machines.map((m) => ({
      ...m,
      compat: m.compat.map((c) => (typeof c === 'number' ? rowOf(rows[c]) : c)),
    })),
    devices: mapped(packed.devices, ({ schema, ...d }) => (schema === undefined ? d : { ...d, schema: whole(schema) })),
    sections: mapped(packed.sections, whole),
  }
}

function rowOf(text: string | undefined): CompatProperty {
  const parts = /^([^.]+)\.([^=]+)=(.*)$/s.exec(text ?? '')
  if (parts === null) throw new BuildError(`a compat property is TYPE.PROPERTY=VALUE, came "${text}"`)
  return { type: parts[1]!, property: parts[2]!, value: parts[3]! }
}

/** Adds the conditions, the subsections and the facts that a dump does not tell. */
function annotated(build: Build): Build {
  const { release } = build
  const conditionOf = (known: Condition | History | undefined, otherwise: string): Condition => {
    if (known === undefined) return { kind: 'state', sentence: otherwise }
    if (!Array.isArray(known)) return known as Condition
    const history = known as History
    return history.find((h) => h.until === undefined || compareVersions(minorOf(release), h.until) <= 0)!.is
  }
  const field = (owner: string, f: SchemaField): SchemaField => {
    const { when, struct, ...rest } = f
    const known = FIELDS[`${owner}.${f.name}`]
    const sent = when === undefined ? undefined : conditionOf(known, `the test of ${f.name} holds`)
    return {
      ...rest,
      ...(sent === undefined || sent.kind === 'always' ? {} : { when: sent }),
      ...(struct === undefined ? {} : { struct: schema(struct) }),
    }
  }
  const schema = <S extends Schema>(s: S): S => ({
    ...s,
    fields: linesOf(s).map((f) => field(s.name, f)),
    subsections: [
      ...s.subsections.map((sub) => ({
        ...schema(sub),
        when: conditionOf(SUBSECTIONS[sub.name], 'the device needs it'),
      })),
    ],
  })
  const withHidden = <S extends Schema>(s: S, virtio: boolean): S => {
    const has = new Set(s.subsections.map((sub) => sub.name))
    const hidden = HIDDEN.filter(
      (h) =>
        (h.section === s.name || (virtio && h.section === 'virtio')) &&
        !has.has(h.name) &&
        compareVersions(minorOf(h.born), minorOf(release)) <= 0,
    )
    const subsections = hidden.map(({ name, when, versionIn }) => {
      const version = versionIn(release)
      return { ...{ name, version, minVersion: versionIn('0.1'), fields: [], subsections: [], when, opaque: true } }
    })
    return { ...s, subsections: [...s.subsections, ...subsections] }
  }
  return {
    ...build,
    machines: build.machines.map((m) => ({ ...m, compat: [...m.compat, ...flagsOf(m.name, release)] })),
    devices: Object.fromEntries(
      Object.entries(build.devices).map(([type, d]) => {
        const virtio = d.parents.includes('virtio-device')
        const facts = factsOf(type, d.parents, release)
        return [
          type,
          {
            ...d,
            ...(d.schema === undefined ? {} : { schema: withHidden(schema(d.schema), virtio) }),
            ...(facts === undefined ? {} : { facts }),
          },
        ]
      }),
    ),
    sections: mapped(build.sections, (s) => withHidden(schema(s), false)),
  }
}

/**
 * A PCI function is described with both lengths of configuration space, 256 and 4096 bytes, and has one of them: where
 * a stream showed which, that alone is left.
 */
function linesOf({ name, fields }: Schema): readonly SchemaField[] {
  const lines = fields.map((f) => (VARIABLE.has(`${name}.${f.name}`) ? { ...f, count: 'as many as the board has' } : f))
  if (name !== 'PCIDevice') return lines
  const seen = lines.filter((f) => f.name === 'config' && f.type !== undefined)
  if (seen.length !== 1) return lines
  return lines.filter((f) => f.name !== 'config' || f === seen[0]).map((f) => (f === seen[0] ? without(f) : f))
}

const without = ({ when: _, ...f }: SchemaField): SchemaField => f

/** Arrays whose length is the board's. */
const VARIABLE: ReadonlySet<string> = new Set(['PCIBUS.irq_count'])

/** What a class field of the machine switches and no property tells, as a row of the type "machine". */
function flagsOf(machine: string, release: string): CompatProperty[] {
  const version = /-(\d[\d.]*)$/.exec(machine)?.[1]
  const old = version !== undefined && compareVersions(version, '3.1') <= 0 && compareVersions(release, '11.0') < 0
  return old ? [{ type: 'machine', property: 'smbus_no_migration_support', value: 'true' }] : []
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, f: (a: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([k, v]) => [k, f(v)]))
