/** RAM blocks: by name, and of equal size unless the block takes the sender's. */
import type { BuildRam } from '../build.ts'
import type { Side } from './resolve.ts'
import { broughtBy } from './sections.ts'
import type { Verdict } from './verdict.ts'

export function compareRam(source: Side, destination: Side, devices: readonly string[]): Verdict[] {
  const [sent, expected] = [blocksOf(source, devices), blocksOf(destination, devices)]
  const left = [...expected]
  const out: Verdict[] = []
  for (const block of sent) {
    const at = left.findIndex((b) => b.name === block.name)
    const [there] = at < 0 ? [] : left.splice(at, 1)
    const path = `ram ${block.name}`
    if (there === undefined) {
      const other = expected.find((b) => b.bytes === block.bytes && !sent.some((s) => s.name === b.name))
      out.push({
        ...{ kind: 'refused', code: other === undefined ? 'ram-missing' : 'ram-renamed', path },
        reason:
          other === undefined
            ? `${destination.name} has no such block`
            : `${destination.name} calls the block of this size "${other.name}"`,
        remedy: 'keep the names of memory blocks for old machine types',
      })
    } else if (block.bytes !== there.bytes && there.resizable !== true) {
      out.push({
        ...{ kind: 'refused', code: 'ram-resized', path },
        reason: `0x${block.bytes.toString(16)} bytes, and 0x${there.bytes.toString(16)} in ${destination.name}`,
        remedy: 'give the destination an image of the same size (for firmware: -bios), or pad it to the old size',
      })
    }
  }
  return out
}

/** A device's blocks carry its path, which is equal on both sides. */
function blocksOf(side: Side, devices: readonly string[]): BuildRam[] {
  const board = side.build.boards[side.machine.board]?.ram ?? []
  const added = broughtBy(side, devices).flatMap((type) => {
    const ram = side.build.devices[type]?.ram ?? []
    return ram.map((r) => ({ ...r, name: nameOf(side, type, r.name) }))
  })
  return [...board, ...added]
}

/** With global-vmstate the block of a display is called by its bare name. */
function nameOf(side: Side, type: string, name: string): string {
  if (!name.endsWith('.vram')) return name
  const { known, value } = side.resolve(type, 'global-vmstate')
  return known && (value === 'on' || value === 'true') ? name : `PATH/${name}`
}
