/** How RAM shows through the holes below 1 MiB: the mappings behind the 440FX's PAM and SMRAM registers. */
import type { AddressSpace, RamBlock, RamRegion } from '@godwit/memory'

/** What the host bridge asks of its board. */
export interface Shadow {
  /**
   * Segment 0 is 0xf0000-0xfffff, segments 1 to 12 are 16 KiB each from 0xc0000 on. Only `read` and `write` together,
   * or `read` alone, show RAM; else the bus answers.
   */
  pam(segment: number, read: boolean, write: boolean): void
  /** 0xa0000-0xbffff: `open` shows RAM to everybody, `enabled` to the processor in system management mode. */
  smram(open: boolean, enabled: boolean): void
}

export interface ShadowOptions {
  readonly memory: AddressSpace
  readonly ram: RamBlock
  /** Must be above those of ROM and video memory. */
  readonly priority?: number
  /** Told when system management mode shall see RAM at 0xa0000. */
  readonly smramEnabled?: (enabled: boolean) => void
}

export const PAM_SEGMENTS = 13

/** Address and size of a PAM segment. */
export function pamRange(segment: number): { base: number; size: number } {
  return segment === 0 ? { base: 0xf0000, size: 0x10000 } : { base: 0xc0000 + (segment - 1) * 0x4000, size: 0x4000 }
}

/** Mappings that show a machine's RAM from offset 0 in the holes, all hidden at first. */
export function shadowMappings(options: ShadowOptions): Shadow {
  const { memory, ram, priority = 100 } = options
  const show = (name: string, base: number, size: number): [RamRegion, RamRegion] => {
    const region = { name, base, size, priority, block: ram, blockOffset: base }
    return [
      { ...region, kind: 'ram' },
      { ...region, kind: 'rom' },
    ]
  }
  const segments = Array.from({ length: PAM_SEGMENTS }, (_, n) => {
    const { base, size } = pamRange(n)
    const [open, readOnly] = show(n === 0 ? 'pam-f0000' : `pam-${base.toString(16)}`, base, size)
    return { open, readOnly, mapping: memory.add(open, false) }
  })
  const smram = memory.add(show('smram', 0xa0000, 0x20000)[0], false)
  return {
    pam(n, read, write) {
      const segment = segments[n]!
      // Each change of the map costs the processor its translations: change once, and only if something changes.
      if (!read) segment.mapping.set(false)
      segment.mapping.replace(write ? segment.open : segment.readOnly)
      if (read) segment.mapping.set(true)
    },
    smram(open, enabled) {
      smram.set(open)
      options.smramEnabled?.(enabled)
    },
  }
}
