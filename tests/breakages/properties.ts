/** Defaults, and the rows that keep old machine versions as they were. */
import { readFileSync } from 'node:fs'
import { flag } from '../../packages/hw/src/index.ts'
import {
  checkRows,
  presentWorld,
  rowFindingText,
  type Frozen,
  type OurDevice,
  type RowWorld,
} from '../../packages/compat/src/index.ts'
import type { Family, Version } from '../../packages/machines/src/index.ts'
import { changed, dropRow, obstacles, qemu } from './builds.ts'
import type { Replay } from './replay.ts'

const frozenRows = JSON.parse(
  readFileSync(new URL('../../packages/compat/data/released-rows.json', import.meta.url), 'utf8'),
) as Frozen
const rowsSay = (change: (world: RowWorld) => Partial<RowWorld>) => (faulty: boolean) => {
  const world = presentWorld(frozenRows)
  return checkRows(faulty ? { ...world, ...change(world) } : world).map(rowFindingText)
}

/** The families with one row changed. */
const rowChanged = (world: RowWorld, version: string, edit: (row: Version) => Version): Partial<RowWorld> => ({
  families: world.families.map((f): Family => ({
    ...f,
    versions: f.versions.map((v) => (v.version === version ? edit(v) : v)),
  })),
})
const withEntry = (type: string, property: string, value: string) => (row: Version) => ({
  ...row,
  compat: { ...row.compat, [type]: { ...row.compat[type], [property]: value } },
})
const withDefault = (world: RowWorld, type: string, property: string, value: unknown): Partial<RowWorld> => ({
  devices: world.devices.map((d): OurDevice =>
    d.type === type ? { ...d, props: { ...d.props, [property]: { ...d.props[property]!, default: value } } } : d,
  ),
})
/** A second device of a kind beside one of ours, as a transitional variant is. */
const withSister = (world: RowWorld, type: string, sister: string, property: string): Partial<RowWorld> => ({
  devices: world.devices.flatMap((d): OurDevice[] =>
    d.type === type
      ? [
          { ...d, parents: ['kin', ...d.parents] },
          { type: sister, parents: ['kin', ...d.parents], props: { [property]: flag(true, '') } },
        ]
      : [d],
  ),
})

const rows = (id: number, carrier: string, says: RegExp, change: (world: RowWorld) => Partial<RowWorld>): Replay => ({
  ...{ id, by: 'rows', carrier, says },
  told: rowsSay(change),
})

/** A default of a QEMU build that changes without a row; the machine type is that of an older release. */
const defaultChanged = (id: number, device: string, owner: string, property: string, value: string): Replay => ({
  ...{ id, by: 'schema', carrier: `${owner}.${property} of QEMU 11.1`, says: new RegExp(property) },
  told(faulty) {
    const now = changed(qemu('11.1'), (d) => {
      if (!faulty) return
      dropRow(d, owner, property)
      d.devices[owner]!.defaults[property] = value
    })
    const options = { devices: [device], startedInSource: true }
    return obstacles(qemu('11.1'), now, 'pc-i440fx-9.0', options).filter((t) => t.includes(property))
  },
})

export const PROPERTIES: readonly Replay[] = [
  rows(7, 'our fw_cfg_io.dma_enabled', /dma_enabled is off by default and was on in 11\.1/, (w) =>
    withDefault(w, 'fw_cfg_io', 'dma_enabled', false),
  ),
  rows(8, 'our row of 5.2', /was released, and its row is now with fw_cfg_io\.dma_enabled=off/, (w) =>
    rowChanged(w, '5.2', withEntry('fw_cfg_io', 'dma_enabled', 'off')),
  ),
  rows(12, 'our i8042.extended-state, and a sister', /misses kvm-i8042/, (w) =>
    withSister(w, 'i8042', 'kvm-i8042', 'extended-state'),
  ),
  rows(32, 'our i8042.extended-state, and a transitional sister', /misses i8042-transitional/, (w) =>
    withSister(w, 'i8042', 'i8042-transitional', 'extended-state'),
  ),
  rows(41, 'our row of 9.2 for a default of 11.1', /was released, and its row is now with/, (w) =>
    rowChanged(w, '9.2', withEntry('i8042', 'extended-state', 'false')),
  ),
  rows(56, 'our row of 11.0, which is out', /pc-(i440fx|q35)-11\.0.*was released, and its row is now with/, (w) =>
    rowChanged(w, '11.0', withEntry('hpet', 'hpet-offset-saved', 'false')),
  ),
  rows(57, 'our row of 6.2', /was released, and its row is now without/, (w) =>
    rowChanged(w, '6.2', (row) => ({ ...row, compat: {} })),
  ),
  rows(58, 'an alias of our family', /stands for .*not there/, (w) => ({
    families: w.families.map((f): Family => ({ ...f, aliases: { ...f.aliases, xenfv: '0.9' } })),
  })),
  {
    ...{
      id: 20,
      by: 'schema',
      carrier: 'PIIX4_PM.x-not-migrate-acpi-index of QEMU 11.1',
      says: /acpi_index|acpi-index/,
    },
    told(faulty) {
      // set for exactly one version, and forgotten for the older ones
      const now = changed(qemu('11.1'), (d) => {
        if (!faulty) return
        for (const m of d.machines.filter((m) => m.name !== 'pc-i440fx-6.2')) {
          m.compat = m.compat.filter((c) => c.property !== 'x-not-migrate-acpi-index')
        }
      })
      return obstacles(qemu('11.1'), now, 'pc-i440fx-6.0').filter((t) => /acpi.index/.test(t))
    },
  },
  defaultChanged(30, 'virtio-net-pci', 'virtio-net-pci', 'x-ats-page-aligned', 'off'),
  defaultChanged(34, 'nvme', 'nvme', 'msix-exclusive-bar', 'on'),
  defaultChanged(38, 'virtio-rng-pci', 'virtio-rng-pci', 'vectors', '9'),
  defaultChanged(40, 'e1000e', 'pci-device', 'x-pcie-err-unc-mask', 'off'),
]
