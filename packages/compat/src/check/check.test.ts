import { expect, test } from 'vitest'
import type { Build, BuildDevice, BuildMachine, CompatProperty, Condition, Schema, SchemaField } from '../build.ts'
import { check, checkBoth, type CheckOptions } from './check.ts'
import { worstOf } from './verdict.ts'

// A build with one machine type and one device, "dev", that tests change a little on one side.

const field = (name: string, size = 4, more: Partial<SchemaField> = {}): SchemaField => ({
  name,
  size,
  since: 0,
  ...more,
})

const FIELDS = [field('a'), field('b', 2), field('c', 1)]
const schema = (more: Partial<Schema> = {}): Schema => ({
  ...{ name: 'dev', version: 2, minVersion: 1, fields: FIELDS, subsections: [] },
  ...more,
})
const sub = (more: Partial<Schema> & { when: Condition }) => ({
  ...{ name: 'dev/sub', version: 1, minVersion: 1, fields: [field('x')], subsections: [] },
  ...more,
})

interface Changes {
  readonly schema?: Schema
  readonly device?: Partial<BuildDevice>
  readonly devices?: Readonly<Record<string, BuildDevice>>
  readonly compat?: readonly CompatProperty[]
  readonly machine?: Partial<BuildMachine>
  readonly board?: Partial<Build['boards'][string]>
  readonly cpus?: Build['cpus']
  readonly release?: string
}

function build(changes: Changes = {}): Build {
  const device: BuildDevice = { parents: ['base'], defaults: {}, schema: changes.schema ?? schema(), ...changes.device }
  const board = {
    devices: ['dev'],
    sections: [{ idstr: 'dev', instance: 0, version: device.schema?.version ?? 0, type: 'dev' }],
    ram: [{ name: 'pc.bios', bytes: 0x40000 }],
    ...changes.board,
  }
  const { compat = [] } = changes
  const machine: BuildMachine = { name: 'm-1.0', versioned: true, compat, board: 'board', ...changes.machine }
  return {
    ...{ format: 1, engine: 'qemu', release: changes.release ?? '1.0', machines: [machine], boards: { board } },
    devices: { dev: device, base: { parents: [], defaults: {} }, ...changes.devices },
    sections: {},
    cpus: changes.cpus ?? { base: {}, qemu64: { sse: 'on' } },
  }
}

const codes = (a: Changes, b: Changes, options?: CheckOptions): string[] =>
  check(build(a), build({ release: '2.0', ...b }), 'm-1.0', options).map((v) => `${v.kind} ${v.code}`)

/** Forwards and backwards. */
const both = (b: Changes, a: Changes = {}): [string[], string[]] => [codes(a, b), codes(b, a)]

const fields = (...f: SchemaField[]): Changes => ({ schema: schema({ fields: f }) })
const [A, B, C] = FIELDS as [SchemaField, SchemaField, SchemaField]

test('equal builds are fine', () => {
  expect(codes({}, {})).toEqual([])
})

// The table of what QEMU's static checker sees and misses: here every row is seen, in both directions.

test('a removed field is refused, forwards and backwards', () => {
  expect(both(fields(A, C))).toEqual([['refused field-removed'], ['refused field-inserted']])
})

test('the last field removed is refused backwards as well', () => {
  expect(both(fields(A, B))).toEqual([['refused field-removed'], ['refused field-inserted']])
})

test('a field appended without raising the version is refused forwards as well', () => {
  expect(both(fields(A, B, C, field('d')))).toEqual([['refused field-inserted'], ['refused field-removed']])
})

test('a field inserted in the middle is refused', () => {
  expect(both(fields(A, field('d'), B, C))).toEqual([['refused field-inserted'], ['refused field-removed']])
})

test('two fields that changed places load into one another', () => {
  const swapped = fields(B, A, C)
  for (const found of both(swapped)) {
    expect(new Set(found)).toEqual(new Set(['loads-but-differs field-removed', 'loads-but-differs field-inserted']))
  }
})

test('a renamed field is fine, for names are not on the wire', () => {
  expect(both(fields(A, field('bee', 2), C))).toEqual([['fine field-renamed'], ['fine field-renamed']])
})

test('another size is refused', () => {
  expect(both(fields(A, field('b', 8), C))).toEqual([['refused field-resized'], ['refused field-resized']])
})

test('another type of the same size loads and means something else', () => {
  const [x, y] = [fields(field('a', 4, { type: 'uint32' }), B, C), fields(field('a', 4, { type: 'int32' }), B, C)]
  expect(both(x, y)).toEqual([['loads-but-differs field-retyped'], ['loads-but-differs field-retyped']])
})

test('another length of an array is refused', () => {
  const [x, y] = [fields(field('a', 4, { count: 8 }), B, C), fields(field('a', 4, { count: 9 }), B, C)]
  expect(both(x, y)).toEqual([['refused array-length'], ['refused array-length']])
})

test('a renamed section is refused, and so is one of another instance', () => {
  const renamed = {
    schema: schema({ name: 'newdev' }),
    board: { sections: [{ idstr: 'newdev', instance: 0, version: 2, type: 'dev' }] },
  }
  expect(both(renamed)).toEqual([['refused section-renamed'], ['refused section-renamed']])
  const shifted = { board: { sections: [{ idstr: 'dev', instance: 1, version: 2, type: 'dev' }] } }
  expect(both(shifted)).toEqual([['refused instance-shifted'], ['refused instance-shifted']])
})

test('a section that only one side has is refused or stays as at reset', () => {
  const none = { board: { sections: [] } }
  expect(both(none)).toEqual([['refused section-missing'], ['loads-but-differs section-not-sent']])
})

test('a size in a subsection counts when the subsection is sent', () => {
  const when: Condition = { kind: 'state', sentence: 'x is not nought' }
  const [x, y] = [4, 8].map((n) => ({ schema: schema({ subsections: [sub({ when, fields: [field('x', n)] })] }) }))
  const [found] = check(build(x), build(y), 'm-1.0')
  expect(found).toMatchObject({
    kind: 'fine-if',
    code: 'field-resized',
    condition: 'unless x is not nought',
    otherwise: 'refused',
  })
})

test('a raised version is fine forwards and refused backwards', () => {
  const raised = { schema: schema({ version: 3, fields: [...FIELDS, field('d', 4, { since: 3 })] }) }
  expect(both(raised)).toEqual([[], ['refused version-raised']])
})

test('a minimum version above what the source sends is refused', () => {
  expect(both({ schema: schema({ version: 4, minVersion: 3 }) })[0]).toEqual(['refused min-version-raised'])
})

test('the version of a struct inside is not on the wire: its new field is refused though the version rose', () => {
  const inner = (version: number, more: SchemaField[] = []): Schema => ({
    ...{ name: 'inner', version, minVersion: 1, subsections: [], fields: [field('p'), ...more] },
  })
  const with_ = (s: Schema): Changes => fields(A, field('s', 0, { type: 'struct', struct: s }), B, C)
  expect(codes(with_(inner(1)), with_(inner(2)))).toEqual(['fine struct-version'])
  expect(codes(with_(inner(1)), with_(inner(2, [field('q', 4, { since: 2 })])))[0]).toBe('refused field-inserted')
})

test('a subsection that the receiver does not know: always, by a property, by the state of the guest', () => {
  const of = (when: Condition): Changes => ({
    schema: schema({ subsections: [sub({ when })] }),
    device: { defaults: { p: 'on' } },
  })
  const gated: Condition = { kind: 'property', type: 'dev', property: 'p', value: 'on' }
  expect(codes(of({ kind: 'always' }), {})).toEqual(['refused subsection-unknown'])
  expect(codes(of({ kind: 'state', sentence: 's' }), {})).toEqual(['fine-if subsection-unknown'])
  const schemaOnly = { schema: schema({ subsections: [sub({ when: gated })] }), device: { defaults: { p: 'on' } } }
  const withSchema = { ...schemaOnly, device: { ...schemaOnly.device, schema: schemaOnly.schema } }
  expect(codes(withSchema, {})).toEqual(['refused subsection-unknown'])
  const off = { ...withSchema, compat: [{ type: 'dev', property: 'p', value: 'off' }] }
  expect(codes(off, {})).toEqual(['fine subsection-unknown'])
  expect(codes({}, withSchema)).toEqual(['fine subsection-not-sent'])
})

test('a field made conditional is seen in both directions', () => {
  const conditional = fields(A, { ...B, when: { kind: 'state', sentence: 'busy' } }, C)
  expect(both(conditional)).toEqual([['fine-if condition-changed'], ['fine-if condition-changed']])
  const [forwards] = check(build(), build(conditional), 'm-1.0')
  expect(forwards?.condition).toBe('when busy')
})

test('a property decides whether a field is there, by the compat rows of the machine type', () => {
  const gated = fields(A, { ...B, when: { kind: 'property', type: 'dev', property: 'p', value: 'on' } }, C)
  const device = { defaults: { p: 'on' }, schema: gated.schema! }
  const off = [{ type: 'base', property: 'p', value: 'off' }]
  expect(codes({ device, compat: off }, fields(A, C))).toEqual([])
  expect(codes({ device }, fields(A, C))).toEqual(['refused field-removed'])
})

// Compat rows.

test('a row of a parent applies, a later row wins, and an option beats both', () => {
  const rows = (...values: string[]): CompatProperty[] =>
    values.map((value) => ({ type: 'base', property: 'p', value }))
  const device = { defaults: { p: 'new' } }
  const old = { device: { defaults: { p: 'old' } } }
  expect(codes(old, { device })).toEqual(['loads-but-differs property-differs'])
  expect(codes(old, { device, compat: rows('old') })).toEqual([])
  expect(codes(old, { device, compat: rows('old', 'newer') })).toEqual(['loads-but-differs property-differs'])
  expect(codes(old, { device, compat: rows('newer', 'old') })).toEqual([])
  const destinationOptions = [{ type: 'dev', property: 'p', value: 'old' }]
  expect(codes(old, { device, compat: rows('newer') }, { destinationOptions })).toEqual([])
})

test('a row that misses the device because it names a sister type does nothing', () => {
  const device = { defaults: { p: 'new' } }
  const compat = [{ type: 'dev-transitional', property: 'p', value: 'old' }]
  expect(codes({ device: { defaults: { p: 'old' } } }, { device, compat })).toEqual([
    'loads-but-differs property-differs',
  ])
})

test('a row of the device that brings another reaches it', () => {
  const devices = { 'dev-pci': { parents: [], defaults: {}, brings: ['dev'] } }
  const compat = [{ type: 'dev-pci', property: 'p', value: 'old' }]
  expect(
    codes({ device: { defaults: { p: 'old' } } }, { device: { defaults: { p: 'new' } }, devices, compat }),
  ).toEqual([])
})

test('on, true and yes are one value, and so are numbers in any base', () => {
  const [x, y] = [
    { p: 'on', q: '0x10' },
    { p: 'true', q: '16' },
  ]
  expect(codes({ device: { defaults: x } }, { device: { defaults: y } })).toEqual([])
})

test('a property that the destination compares with its own on load is refused', () => {
  const [x, y] = [{ vectors: '3' }, { vectors: '4' }]
  expect(codes({ device: { defaults: x } }, { device: { defaults: y } })).toEqual(['refused property-differs'])
})

test('a switch that came too late: the older build does as its own newest machine type', () => {
  const old = build({ release: '1.0', machine: { name: 'm-0.9' } })
  const machines = (value: string): BuildMachine[] => [
    { name: 'm-1.0', versioned: true, board: 'board', compat: [] },
    { name: 'm-0.9', versioned: true, board: 'board', compat: [{ type: 'dev', property: 'late', value }] },
  ]
  const late = (value: string): Build => ({
    ...build({ release: '2.0', device: { defaults: { late: 'off' } } }),
    machines: machines(value),
  })
  expect(check(old, late('off'), 'm-0.9')).toEqual([])
  const [found] = check(old, late('on'), 'm-0.9')
  expect(found).toMatchObject({ kind: 'loads-but-differs', code: 'property-differs', path: 'dev.late' })
})

// Memory, processors, protocol, machines, devices.

test('RAM blocks: resized, renamed, missing, and resizable ones', () => {
  const ram = (name: string, bytes: number, resizable?: boolean): Changes => ({
    board: { ram: [{ name, bytes, ...(resizable === true ? { resizable } : {}) }] },
  })
  expect(codes({}, ram('pc.bios', 0x80000))).toEqual(['refused ram-resized'])
  expect(codes({}, ram('bios', 0x40000))).toEqual(['refused ram-renamed'])
  expect(codes({}, { board: { ram: [] } })).toEqual(['refused ram-missing'])
  expect(codes(ram('t', 0x1000, true), ram('t', 0x2000, true))).toEqual([])
})

test('a CPU model with other features lets the guest see another processor', () => {
  const cpus = { base: {}, qemu64: { sse: 'on', fancy: 'on' } }
  expect(codes({}, { cpus })).toEqual(['loads-but-differs cpuid'])
  expect(codes({}, { cpus, compat: [{ type: 'x86_64-cpu', property: 'fancy', value: 'off' }] })).toEqual([])
  expect(codes({}, { cpus: { base: {} } })).toEqual(['unreachable cpu-missing'])
})

test('SWITCHOVER_START to a receiver that does not know it, and the dialect of multifd', () => {
  const newer: Changes = {
    devices: {
      migration: {
        parents: [],
        defaults: {
          'send-switchover-start': 'on',
          'multifd-flush-after-each-section': 'off',
          'zero-page-detection': 'multifd',
        },
      },
    },
  }
  expect(codes(newer, {})).toEqual(['refused protocol'])
  expect(codes(newer, newer)).toEqual([])
  const compat = [{ type: 'migration', property: 'send-switchover-start', value: 'off' }]
  expect(codes({ ...newer, compat }, {})).toEqual([])
  expect(codes({ ...newer, compat }, {}, { multifd: true })).toEqual(['refused protocol', 'refused protocol'])
})

test('an unmigratable device refuses on either side', () => {
  const none = { schema: schema({ fields: [], unmigratable: true }) }
  expect(both(none)).toEqual([['refused unmigratable'], ['refused unmigratable']])
})

test('a machine type that is missing, an alias that moved, one without a version, one that is deprecated', () => {
  const found = (b: Changes, asked: string, a: Changes = {}) =>
    check(build(a), build(b), asked).map((v) => `${v.kind} ${v.code}`)
  expect(found({ machine: { name: 'm-2.0' } }, 'm-1.0')).toEqual(['unreachable machine-missing'])
  expect(found({ machine: { name: 'm-2.0', alias: 'm' } }, 'm', { machine: { alias: 'm' } })).toEqual([
    'unreachable machine-alias',
  ])
  const unversioned = { machine: { name: 'isapc', versioned: false } }
  expect(found(unversioned, 'isapc', unversioned)).toEqual(['fine machine-unversioned'])
  expect(found({ machine: { deprecated: 'yes' } }, 'm-1.0')).toEqual(['fine machine-deprecated'])
})

test('a device that one build does not have cannot be reached with', () => {
  expect(codes({}, {}, { devices: ['nvme'] })).toEqual(['unreachable device-missing', 'unreachable device-missing'])
})

test('a slot that means something again, and a field that was given up', () => {
  const [used, given] = [field('b', 2, { type: 'uint16' }), field('unused', 2, { type: 'unused_buffer' })]
  expect(both(fields(A, given, C), fields(A, used, C))).toEqual([
    ['fine field-dropped'],
    ['loads-but-differs slot-reused'],
  ])
})

test('both directions in one call, with options for each side', () => {
  const { there, back } = checkBoth(build(), build(fields(A, B, C, field('d', 4, { since: 9 }))), 'm-1.0')
  expect([worstOf(there), worstOf(back)]).toEqual(['fine', 'fine'])
})

test('every verdict that is not fine has a reason, and what is refused says what to do', () => {
  const found = check(build(), build({ ...fields(A), board: { ram: [] } }), 'm-1.0')
  expect(found.length).toBeGreaterThan(2)
  for (const v of found) expect([v.reason.length > 10, v.remedy !== undefined], v.code).toEqual([true, true])
})

test.each(['__proto__', 'constructor'])('a device or processor called %s is in no build', (name) => {
  expect(codes({}, {}, { devices: [name] })).toEqual(['unreachable device-missing', 'unreachable device-missing'])
  expect(codes({}, {}, { cpu: name })).toEqual(['unreachable cpu-missing', 'unreachable cpu-missing'])
})
