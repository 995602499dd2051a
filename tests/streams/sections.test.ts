/** Every device section of recorded machines, decoded by the descriptions of the machine that would take the guest. */
import { Reader } from '../../packages/bits/src/index.ts'
import { createMachine, type Machine } from '../../packages/machines/src/index.ts'
import {
  describeDevice,
  findDescription,
  loadSection,
  readWhole,
  saveBytes,
  type VMState,
} from '../../packages/vmstate/src/index.ts'
import { expect, test } from 'vitest'
import { describedDifferences } from './described-differences.ts'
import { stream, streamNames, type Archive } from './fixtures.ts'

/** What -machine said when the small machine was recorded. */
const SMALL = { hpet: 'off', vmport: 'off', acpi: 'off', smm: 'off' }

/**
 * Before release 11 the processor hotplug registers were the legacy ones until the guest's ACPI code switched them over,
 * and a machine that had not switched sent no subsection. Here they are the modern ones from the start, as in 11.1.
 */
const SWITCHED_LATER = 'piix4_pm/cpuhp'

interface Recorded {
  readonly machine: Machine
  readonly lines: string[]
  /** Sections of ours that the stream did not have. */
  readonly unmatched: string[]
  /** Sections of the stream that we do not have. */
  readonly unknown: string[]
}

/** Decodes every section into a fresh machine; lists whatever came out otherwise. */
function decoded(archive: Archive, name: string): Recorded {
  const bytes = stream(archive, name)
  const items = readWhole(bytes)
  const head = items.find((i) => i.kind === 'configuration')
  if (head?.kind !== 'configuration') throw new Error('no configuration')
  const machine = createMachine({
    type: head.machine,
    cpu: 'qemu64',
    memoryBytes: 128 * 2 ** 20,
    incoming: true,
    time: {},
    props: name.includes('-min-') ? SMALL : {},
  })
  const described = findDescription(bytes)!.description.devices
  const lines: string[] = []
  const unknown: string[] = []
  const open = new Set(machine.sections)
  for (const item of items) {
    if (item.kind !== 'device') continue
    const { idstr, instance, version, payload, payloadOffset } = item
    const path = `${idstr}/${instance}`
    const section = machine.sections.find((s) => s.idstr === idstr && s.instance === instance)
    if (section === undefined) {
      unknown.push(path)
      continue
    }
    open.delete(section)
    if (section.version !== version) lines.push(`${path}: version ${section.version}, not ${version}`)
    const { vmstate, state } = section as { vmstate: VMState<object>; state: object }
    const r = new Reader(payload, payloadOffset)
    loadSection(vmstate, state, r, version)
    if (r.left > 0) lines.push(`${path}: ${r.left} bytes left over`)
    const theirs = described.find((d) => d.name === idstr && d.instance_id === instance)!
    const ours = describeDevice(idstr, instance, vmstate, state)
    const added = ours.subsections?.some((s) => s.vmsd_name === SWITCHED_LATER)
    const had = theirs.subsections?.some((s) => s.vmsd_name === SWITCHED_LATER)
    const later = added === true && had !== true && !name.endsWith('-11.1.mig')
    const again = saveBytes(vmstate, state)
    if (Buffer.compare(later ? again.subarray(0, payload.length) : again, payload) !== 0) {
      lines.push(`${path}: written back otherwise from byte ${again.findIndex((b, i) => b !== payload[i])}`)
    }
    const subsections = ours.subsections?.filter((s) => !later || s.vmsd_name !== SWITCHED_LATER) ?? []
    lines.push(...describedDifferences({ ...ours, subsections }, theirs))
  }
  return { machine, lines, unknown, unmatched: [...open].map((s) => `${s.idstr}/${s.instance}`) }
}

const firmware = streamNames('reference').filter((n) => /^i440fx-(min|base)-/.test(n))
const linux = streamNames('linux-sections')
const boards: [Archive, string][] = [
  ...firmware.map((n): [Archive, string] => ['reference', n]),
  ...linux.map((n): [Archive, string] => ['linux-sections', n]),
]

test('the board was recorded in two sizes by four releases, in firmware and in Linux', () => {
  expect(firmware).toHaveLength(8)
  expect(linux).toHaveLength(8)
})

test.each(boards)('%s: the sections of %s are ours, field for field, and no others', (archive, name) => {
  const { lines, unknown, unmatched } = decoded(archive, name)
  expect(lines).toEqual([])
  expect(unknown).toEqual([])
  expect(unmatched).toEqual([])
})

/** Machines with cards that this board has not got; 2.4 and 2.5 cannot be made here. */
const versions = streamNames('machine-versions').filter(
  (n) => n.startsWith('mtype-pc-i440fx-') && !/i440fx-2\.[45]-/.test(n),
)
const CARDS = ['0000:00:02.0/vga', '0000:00:03.0/virtio-blk', '0000:00:04.0/e1000', '0000:00:05.0/virtio-net']

test.each(versions)('%s: the sections of the board are those of its machine version', (name) => {
  const { lines, unknown, unmatched } = decoded('machine-versions', name)
  expect(lines).toEqual([])
  expect(unknown.filter((path) => !CARDS.includes(path.replace(/\/0$/, '')))).toEqual([])
  expect(unmatched).toEqual([])
})

test('eighteen machine versions were recorded by 11.1 and twenty-eight by 10.0', () => {
  expect(versions.filter((n) => n.endsWith('-11.1.mig'))).toHaveLength(18)
  expect(versions.filter((n) => n.endsWith('-10.0.mig'))).toHaveLength(28)
})
