/** Changes of descriptions: what two builds send each other. */
import type { CheckOptions } from '../../packages/compat/src/index.ts'
import { aField, aSubsection, changed, dropRow, obstacles, ours, qemu, schemaOf, type Draft } from './builds.ts'
import type { Replay } from './replay.ts'

type Edit = (draft: Draft) => void
/** The newest machine type that the build has. */
const NEW = 'pc-i440fx-11.1'

/** A build of QEMU 11.1 against the same build with the fault. */
const inQemu = (id: number, carrier: string, devices: string[], says: RegExp, edit: Edit): Replay => ({
  ...{ id, by: 'schema', carrier: `${carrier} of QEMU 11.1`, says },
  told: (faulty) => between(faulty, 'qemu', edit, { devices }),
})
/** The same with a device of ours. */
const inOurs = (id: number, carrier: string, says: RegExp, edit: Edit): Replay => ({
  ...{ id, by: 'schema', carrier: `our ${carrier}`, says },
  told: (faulty) => between(faulty, 'ours', edit, {}),
})

function between(faulty: boolean, engine: 'qemu' | 'ours', edit: Edit, options: CheckOptions): string[] {
  const build = engine === 'qemu' ? qemu('11.1') : ours()
  return obstacles(build, faulty ? changed(build, edit) : build, NEW, options)
}

export const SCHEMA: readonly Replay[] = [
  inOurs(6, 'isa-serial', /refused .*serial/, (d) => {
    const s = schemaOf(d, 'isa-serial')
    s.version++
    s.minVersion = s.version
  }),
  inOurs(9, 'i2c_bus', /i2c_bus/, (d) => void schemaOf(d, 'i2c-bus').fields.push(aField('broadcast', 1))),
  inQemu(10, 'mptsas1068', ['mptsas1068'], /field-removed/, (d) => void schemaOf(d, 'mptsas1068').fields.splice(1, 1)),
  inQemu(21, 'e1000', ['e1000'], /version-raised|refused .*e1000/, (d) => void schemaOf(d, 'e1000').version++),
  inQemu(25, 'intel-iommu', ['intel-iommu'], /root_scalable/, (d) => {
    schemaOf(d, 'intel-iommu').fields.splice(3, 0, aField('root_scalable', 1))
  }),
  inOurs(26, 'hpet', /subsection-unknown hpet\/cap/, (d) => {
    schemaOf(d, 'hpet').subsections.push(aSubsection('hpet/cap'))
  }),
  inQemu(33, 'esp', ['am53c974'], /am53c974|esp/, (d) => {
    const s = schemaOf(d, 'am53c974')
    s.version++
    s.fields = s.fields.filter((f) => f.since < 1)
  }),
  inOurs(36, 'ioapic', /refused version-raised ioapic/, (d) => {
    const raised = ++schemaOf(d, 'ioapic').version
    for (const b of Object.values(d.boards)) b.sections.find((s) => s.type === 'ioapic')!.version = raised
  }),
  inQemu(42, 'e1000: a struct inside with a new version', ['e1000'], /field-inserted e1000\.\S+scanout/, (d) => {
    const inner = schemaOf(d, 'e1000').fields.find((f) => f.struct !== undefined)!.struct!
    inner.version++
    inner.fields.push({ ...aField('scanout'), since: inner.version })
  }),
  inOurs(47, 'isa-serial', /size|type/, (d) => {
    const s = schemaOf(d, 'isa-serial')
    const holder = s.fields.find((f) => f.struct !== undefined)?.struct ?? s
    holder.fields.find((f) => f.size === 1)!.size = 8
  }),
  inOurs(51, 'apic', /count|length|size/, (d) => {
    const array = schemaOf(d, 'apic').fields.find((f) => typeof f.count === 'number')!
    array.count = (array.count as number) - 1
  }),
  {
    ...{ id: 11, by: 'schema', carrier: 'our i8259 (instance ids)', says: /i8259/ },
    told: (faulty) =>
      between(
        faulty,
        'ours',
        (d) => {
          for (const board of Object.values(d.boards)) {
            board.sections.find((s) => s.idstr === 'i8259' && s.instance === 1)!.instance = 2
          }
        },
        {},
      ),
  },
  {
    ...{ id: 16, by: 'schema', carrier: 'pcspk of QEMU 10.0, pc-i440fx-2.7', says: /pcspk/ },
    told(faulty) {
      const machine = 'pc-i440fx-2.7'
      // what 2.7 knew: no such section, and no property to switch it off
      const old = changed(qemu('10.0'), (d) => {
        delete d.devices['isa-pcspk']!.schema
        for (const b of Object.values(d.boards)) b.sections = b.sections.filter((s) => s.type !== 'isa-pcspk')
      })
      const now = faulty ? changed(qemu('10.0'), (d) => dropRow(d, 'isa-pcspk', 'migrate')) : qemu('10.0')
      return obstacles(now, old, machine)
    },
  },
  {
    ...{ id: 31, by: 'schema', carrier: 'i8042 of QEMU 11.1, pc-i440fx-5.2', says: /pckbd\/extended_state/ },
    told(faulty) {
      const now = faulty ? changed(qemu('11.1'), (d) => dropRow(d, 'i8042', 'extended-state')) : qemu('11.1')
      const told = obstacles(now, qemu('5.2'), 'pc-i440fx-5.2')
      return told.filter((t) => t.includes('pckbd'))
    },
  },
  {
    ...{ id: 53, by: 'schema', carrier: 'our cpu', says: /subsection-unknown cpu\/error_code2/ },
    told: (faulty) =>
      between(
        faulty,
        'ours',
        (d) => {
          const sub = aSubsection('cpu/error_code2')
          sub.when = { kind: 'state', sentence: 'an exception is pending' }
          schemaOf(d, 'cpu').subsections.push(sub)
        },
        {},
      ),
  },
  {
    ...{
      id: 52,
      by: 'schema',
      carrier: 'nvme-subsys of QEMU 11.1, once marked unmigratable',
      says: /unmigratable|refused/,
    },
    told(faulty) {
      const blocked = changed(qemu('11.1'), (d) => void (schemaOf(d, 'e1000').unmigratable = true))
      const now = faulty ? qemu('11.1') : blocked
      // a machine that never migrates: both sides say so, and that is no news
      return obstacles(blocked, now, NEW, { devices: ['e1000'] }).filter((t) => faulty || !t.includes('unmigratable'))
    },
  },
]
