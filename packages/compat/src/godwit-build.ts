/** This Godwit as a Build: from its registry, its devices and their descriptions. */
import { cpuModel, FEATURES_HERE, MODELS } from '@godwit/cpu-x86'
import * as definitions from '@godwit/devices'
import {
  compareVersions,
  createMachine,
  machineTypes,
  namesOf,
  newestRelease,
  refusalsOf,
  rowsOf,
  type Machine,
  type MachineType,
} from '@godwit/machines'
import {
  planOf,
  type AnyVMState,
  type Codec,
  type Gate,
  type Level,
  type Line,
  type PlannedSubsection,
} from '@godwit/vmstate'
import type {
  Build,
  BuildBoard,
  BuildDevice,
  BuildMachine,
  CompatProperty,
  Condition,
  Schema,
  SchemaField,
  SchemaSubsection,
} from './build.ts'
import { ourDevices, textOf } from './rows/our-devices.ts'

let made: Build | undefined

/** Made once: it powers on one machine of every board, without running it. */
export function godwitBuild(): Build {
  made ??= makeBuild()
  return made
}

function makeBuild(): Build {
  const machines: BuildMachine[] = []
  const boards: Record<string, BuildBoard> = {}
  const sections: Record<string, Schema> = {}
  const byBoard = new Map<string, string>()
  const gates: Gate[] = []
  const devices = devicesHere(gates)
  const limits = [...typesByState.keys()].flatMap((v) => (v as AnyVMState).life.gate?.offFor ?? [])
  for (const type of machineTypes().filter((t) => refusalsOf(t).length === 0)) {
    // Machine types differ in their sections only where a gate of a whole section says so.
    const key = [type.family.name, ...limits.filter((l) => compareVersions(type.version.version, l) <= 0)].join(' ')
    if (!byBoard.has(key)) {
      const machine = createMachine({ type: type.name, memoryBytes: 2 ** 20, incoming: true, time: {} })
      for (const s of machine.sections) {
        if (typeOf(s.vmstate) === undefined) sections[s.idstr] ??= schemaOf(s.vmstate, gates)
      }
      byBoard.set(key, type.name)
      boards[type.name] = boardOf(machine)
    }
    machines.push(machineOf(type, byBoard.get(key)!))
  }
  return {
    ...{ format: 1, engine: 'godwit', release: newestRelease().version },
    machines: machines.map((m) => ({ ...m, compat: [...m.compat, ...flagsOf(m.name, gates)] })),
    ...{ boards, devices, sections, cpus: cpusHere() },
  }
}

function machineOf(type: MachineType, board: string): BuildMachine {
  const compat: CompatProperty[] = rowsOf(type.family, type.version).flatMap((row) =>
    Object.entries(row.compat).flatMap(([of, props]) =>
      Object.entries(props).map(([property, value]) => ({ type: of, property, value })),
    ),
  )
  const [alias] = namesOf(type)
  return { name: type.name, versioned: true, ...(alias === undefined ? {} : { alias }), compat, board }
}

/** What a class field of the machine switches, as a row of the type "machine". */
function flagsOf(machine: string, gates: readonly Gate[]): CompatProperty[] {
  const version = /-(\d[\d.]*)$/.exec(machine)?.[1]
  const flags = gates.filter((g) => g.type === 'machine' && g.offFor !== null)
  const off = flags.filter((g) => version !== undefined && compareVersions(version, g.offFor!) <= 0)
  const rows = off.map((g) => ({ type: 'machine', property: g.property, value: g.value }))
  return [...new Map(rows.map((r) => [r.property, r])).values()]
}

const typesByState = new Map<unknown, string>(
  Object.values(definitions as Record<string, unknown>)
    .filter(
      (d): d is { type: string; vmstate: unknown } =>
        typeof d === 'object' && d !== null && 'vmstate' in d && 'create' in d,
    )
    .filter((d) => d.vmstate !== 'stateless')
    .map((d) => [d.vmstate, d.type]),
)

const typeOf = (vmstate: AnyVMState): string | undefined => typesByState.get(vmstate)

function boardOf(machine: Machine): BuildBoard {
  const sections = machine.sections
    .filter((s) => s.vmstate.needed?.(s.state) ?? true)
    .map(({ idstr, instance, version, vmstate }) => {
      const type = typeOf(vmstate)
      return { idstr, instance, version, ...(type === undefined ? {} : { type }) }
    })
    .sort((a, b) => a.idstr.localeCompare(b.idstr) || a.instance - b.instance)
  const ram = machine.ramBlocks
    .map(({ name, usedSize, maxSize }) => ({
      ...{ name, bytes: name === 'pc.ram' ? 0 : usedSize },
      ...(maxSize > usedSize || name.startsWith('/rom@') ? { resizable: true } : {}),
    }))
    .sort((a, b) => a.name.localeCompare(b.name))
  const types = new Set(sections.flatMap((s) => s.type ?? []))
  return { devices: [...types].sort(), sections, ram }
}

function devicesHere(gates: Gate[]): Record<string, BuildDevice> {
  const schemas = new Map([...typesByState].map(([vmstate, type]) => [type, vmstate as AnyVMState]))
  const out: Record<string, BuildDevice> = {}
  for (const { type, props, parents } of ourDevices()) {
    const vmstate = schemas.get(type)
    out[type] = {
      parents: parents.filter((p) => p !== 'device'),
      defaults: Object.fromEntries(Object.entries(props).map(([name, p]) => [name, textOf(p.default)])),
      ...(vmstate === undefined ? {} : { schema: schemaOf(vmstate, gates) }),
    }
  }
  out['migration'] = {
    parents: [],
    defaults: {
      ...{ 'send-configuration': 'on', 'send-section-footer': 'on', 'send-switchover-start': 'on' },
      ...{ 'multifd-flush-after-each-section': 'off', 'zero-page-detection': 'legacy' },
    },
  }
  return out
}

function cpusHere(): Build['cpus'] {
  const cpus: Record<string, Record<string, string>> = {}
  for (const name of Object.keys(MODELS)) {
    const model = cpuModel(name)
    const values = Object.fromEntries(FEATURES_HERE.map((f) => [f, model.has(f) ? 'on' : 'off']))
    cpus[name] = { ...values, ...signatureOf(model.signature) }
  }
  return cpus
}

function signatureOf(signature: number): Record<string, string> {
  const family = ((signature >>> 8) & 15) + ((signature >>> 20) & 255)
  const model = ((signature >>> 4) & 15) | (((signature >>> 16) & 15) << 4)
  return { family: String(family), model: String(model), stepping: String(signature & 15) }
}

/** A description as data; the gates it names are added to `gates`. */
export function schemaOf(vmstate: AnyVMState, gates: Gate[] = []): Schema {
  const { name, version, minVersion, life } = vmstate
  if (life?.gate !== undefined) gates.push(life.gate)
  return { name, version, minVersion, ...levelOf(planOf(vmstate), gates) }
}

const levelOf = (level: Level, gates: Gate[]): Pick<Schema, 'fields' | 'subsections'> => ({
  fields: level.lines.map((line) => fieldOf(line, gates)),
  subsections: level.subsections.map((s) => subsectionOf(s, gates)),
})

function subsectionOf(planned: PlannedSubsection, gates: Gate[]): SchemaSubsection {
  const { sub } = planned
  if (sub.gate !== undefined) gates.push(sub.gate)
  return {
    ...{ name: sub.name, version: sub.version, minVersion: sub.minVersion ?? sub.version },
    ...levelOf(planned, gates),
    when: conditionOf(sub.gate, sub.when),
  }
}

function fieldOf(line: Line, gates: Gate[]): SchemaField {
  const name = line.name.replace(/\[\d+\]$/, '')
  if (line.gate !== null) gates.push(line.gate)
  const when = line.exists === null ? {} : { when: conditionOf(line.gate ?? undefined, line.sentence) }
  if (line.codec === null) return { name, type: 'unused_buffer', size: line.unused, since: line.since, ...when }
  return { name, ...shapeOf(line.codec, gates), since: line.since, ...when }
}

type Shape = Pick<SchemaField, 'type' | 'size' | 'count' | 'struct'>

function shapeOf(codec: Codec<unknown>, gates: Gate[]): Shape {
  const { type, shape } = codec
  switch (shape?.kind) {
    case undefined:
      return { type, size: SIZES[type.replace(/ (equal|le)$/, '')] ?? 0 }
    case 'bytes':
      return {
        type,
        size: typeof shape.length === 'number' ? shape.length : 0,
        ...(typeof shape.length === 'number' ? {} : { count: shape.length }),
      }
    case 'array': {
      const inner = shapeOf(shape.element, gates)
      const count =
        typeof shape.length === 'number' && typeof (inner.count ?? 1) === 'number'
          ? shape.length * ((inner.count ?? 1) as number)
          : String(shape.length)
      return { ...inner, count }
    }
    case 'list':
      return { ...shapeOf(shape.element, gates), type, count: 'the length of the list' }
    case 'struct':
      return {
        type: shape.version === undefined ? type : 'vstruct',
        size: 0,
        struct: versioned(schemaOf(shape.vmstate, gates), shape.version),
      }
    case 'tmp':
      return { type, size: 0, struct: schemaOf(shape.vmstate, gates) }
  }
}

const versioned = (schema: Schema, version = schema.version): Schema => ({ ...schema, version })

const SIZES: Readonly<Record<string, number>> = {
  ...{ bool: 1, uint8: 1, int8: 1, uint16: 2, int16: 2, uint32: 4, int32: 4, uint64: 8, int64: 8, timer: 8 },
}

function conditionOf(gate: Gate | undefined, sentence: string | undefined): Condition {
  // The sentence may name the gate as well, which stands here already.
  const named = gate === undefined ? /^$/ : new RegExp(`^.*${gate.property} is (on|off)(, and | and |, )?`)
  const rest = (sentence ?? '').replace(named, '')
  const state = rest === '' ? undefined : rest
  if (gate === undefined) return { kind: 'state', sentence: state ?? 'the device needs it' }
  const off = gate.value === 'off' || gate.value === 'false'
  return {
    ...{ kind: 'property', type: gate.type, property: gate.property, value: off ? 'on' : 'off' },
    ...(state === undefined ? {} : { state }),
  }
}
