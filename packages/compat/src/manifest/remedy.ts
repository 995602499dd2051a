/** What a change of a released machine type means, and what its author does about it. */
import type { AbiPart } from '@godwit/machines'
import type { Change } from './changes.ts'

export interface Finding {
  readonly machine: string
  readonly part: AbiPart
  readonly change: Change
  /** What it does to a guest, or to a migration. */
  readonly effect: string
  /** What to write where. */
  readonly remedy: string
}

/** Parts whose order is on the wire or seen by the guest. */
export const ORDERED: ReadonlySet<AbiPart> = new Set(['sections', 'ram-blocks'])

/** `newest`: the newest released version of the family, whose row takes old values. */
export function findingOf(machine: string, part: AbiPart, change: Change, newest: string): Finding {
  const [effect, remedy] = explain(part, change, newest)
  return { machine, part, change, effect, remedy }
}

export function findingText({ machine, part, change, effect, remedy }: Finding): string {
  return `${machine}: ${part}: ${changeText(change)}\n  effect: ${effect}\n  remedy: ${remedy}`
}

function changeText({ kind, name, before, after, neighbours }: Change): string {
  if (kind === 'moved') return `${name} stood behind ${neighbours![0]}, now behind ${neighbours![1]}`
  if (kind === 'renamed') return `${before!} is called ${after!} now`
  if (kind === 'added') return `${name} is new (${after!})`
  if (kind === 'removed') return `${name} is gone (was ${before!})`
  return `${name} was ${before!}, is ${after!}`
}

function explain(part: AbiPart, change: Change, newest: string): readonly [effect: string, remedy: string] {
  switch (part) {
    case 'properties':
      return propertyChange(change, newest)
    case 'sections':
      return sectionChange(change)
    case 'ram-blocks':
      return [
        'a stream of the other build names a RAM block of another size, name or place: refused at load',
        'leave the block as it is; give the new size or name to machine versions that are not released yet, by a property with a row for older ones',
      ]
    case 'cpuid': {
      const model = change.name.split(' ')[0]!
      return [
        'a running guest sees another processor after a migration',
        `make it a property of the CPU model and keep the old value in the row of ${newest}: { '${model}-x86_64-cpu': { PROPERTY: OLD } }`,
      ]
    }
    case 'pci':
      return [
        'the guest sees another device after a migration, and QEMU refuses a configuration space whose read-only bits differ',
        `put the change behind a property of the device whose old value stands in the row of ${newest}`,
      ]
    case 'acpi':
    case 'firmware':
      return [
        'the tables of a running guest come with its RAM; a guest that boots here sees others than elsewhere',
        `put the change behind a board value whose old value stands in the row of ${newest}`,
      ]
    default:
      return [
        'a running guest sees other hardware after a migration',
        `put the change behind a property whose old value stands in the row of ${newest}`,
      ]
  }
}

function propertyChange({ kind, name, before }: Change, newest: string): readonly [string, string] {
  const property = name.split(' ').at(-1)!
  if (kind === 'added') {
    return [
      'none yet, if the default is the old behaviour',
      `record it (pnpm manifests --record) when the default is what ${newest} did; else add the row there`,
    ]
  }
  if (kind === 'removed') {
    return [
      'rows of machine versions and command lines that name the property do nothing any more',
      'keep the property; a property goes only with the last machine version that needs it',
    ]
  }
  const [type, key] = property.split(/\.(.*)/s) as [string, string]
  return [
    'a released machine type would be other hardware than before',
    `the row is missing: in the row of ${newest} write { '${type}': { '${key}': '${before!}' } } (godwit machine set-default ${property}=VALUE writes default and row together)`,
  ]
}

function sectionChange({ kind, name, before, after }: Change): readonly [string, string] {
  if (kind === 'renamed') {
    return [
      `the far side knows no ${after!} and misses ${before!}: the stream is refused in both directions`,
      'a section keeps its name and instance id for ever, whatever the device is called in the code: put them back',
    ]
  }
  const whole = !name.includes('/', name.indexOf('#'))
  if (kind === 'moved') {
    return whole
      ? [
          'sections would be sent in another order than QEMU sends and loads them',
          'put the section back into its place',
        ]
      : [
          'the bytes of two fields change places: the far side reads one as the other',
          'put the field back into its place',
        ]
  }
  if (whole) {
    if (kind === 'changed') return versionChange(before!, after!)
    return kind === 'added'
      ? [
          'a far side without the section refuses the stream: unknown section or instance',
          'a section keeps its name and instance id for ever; a new device joins only machine versions that are not released, by a property with a row for older ones',
        ]
      : [
          'a stream that holds the section is refused here, and the far side misses it',
          'a section keeps its name and instance id for ever: put it back',
        ]
  }
  if (after?.startsWith('subsection') === true && kind === 'added') {
    return [
      'a far side that does not know the subsection refuses the stream whenever it is sent',
      'give the subsection a gate: a device property that is off in the row of the newest released version, and `needed` that asks it',
    ]
  }
  if (kind === 'added') {
    return [
      'the section is longer than the far side expects: refused, or every later field is read wrongly',
      'put the field into a subsection with a gate; a field is never added to a released description',
    ]
  }
  if (kind === 'removed') {
    return [
      'the section is shorter than the far side expects: refused, or every later field is read wrongly',
      'replace the field by unused(BYTES, { became, lastWriter, was }) of the same size',
    ]
  }
  return [
    'the bytes of the field are read as something else on the far side',
    'put the type back; a new form of a value is a new field in a subsection with a gate',
  ]
}

function versionChange(before: string, after: string): readonly [string, string] {
  const [was, is] = [before, after].map((text) => /version (\d+), loads from (\d+)/.exec(text))
  if (was && is && Number(is[1]) > Number(was[1])) {
    return [
      'no older build loads the section any more: it refuses the higher version',
      'put the version back and the new fields into a subsection with a gate',
    ]
  }
  if (was && is && Number(is[2]) > Number(was[2])) {
    return [
      'streams of machine versions that still live are refused',
      'raise the oldest version that loads only when the machine versions that wrote it are deleted, and say so in the ledger',
    ]
  }
  return ['the far side refuses the section, or reads it wrongly', 'put the description back']
}
