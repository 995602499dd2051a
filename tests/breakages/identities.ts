/** Names and sizes of RAM blocks, aliases of machines. */
import { changed, obstacles, ours, qemu } from './builds.ts'
import type { Replay } from './replay.ts'

export const IDENTITIES: readonly Replay[] = [
  {
    ...{ id: 28, by: 'schema', carrier: 'RAM blocks of our board', says: /ram-(renamed|missing)/ },
    told(faulty) {
      const now = changed(ours(), (d) => {
        if (faulty) for (const b of Object.values(d.boards)) b.ram[0]!.name = `/objects/${b.ram[0]!.name}`
      })
      return obstacles(ours(), now, 'pc-i440fx-11.1')
    },
  },
  {
    ...{ id: 5, by: 'schema', carrier: 'the alias pc of QEMU 10.0 and 11.1', says: /machine-alias/ },
    // the toolstack asks for the alias instead of the name
    told: (faulty) =>
      obstacles(qemu('10.0'), qemu('11.1'), faulty ? 'pc' : 'pc-i440fx-10.0').filter((t) => t.includes('machine-')),
  },
  {
    ...{ id: 44, by: 'schema', carrier: 'VGA.global-vmstate of QEMU 11.1', says: /vga\.vram|VGA/ },
    told(faulty) {
      const now = changed(qemu('11.1'), (d) => {
        if (faulty) d.devices['VGA']!.defaults['global-vmstate'] = 'true'
      })
      return obstacles(qemu('10.0'), now, 'pc-i440fx-10.0', { devices: ['VGA'] }).filter((t) => /vram|VGA/.test(t))
    },
  },
]
