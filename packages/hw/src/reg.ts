import type { IoHandlers } from '@godwit/memory'

/** One register the guest can reach, or a run of alike ones. Offsets count from the device's base. */
export interface Reg {
  readonly offset: number
  /** Bytes the register covers: 1, 2, 4, or more for a run. */
  readonly width: number
  readonly doc: string
  /** Absent: write-only, reads as all ones. `at` is the offset inside the register, `size` the access in bytes. */
  read?(at: number, size: 1 | 2 | 4): number
  /** Absent: read-only. */
  write?(value: number, at: number, size: 1 | 2 | 4): void
}

export type Regs = Readonly<Record<string, Reg>>

export const reg = (offset: number, width: number, doc: string, behaviour: Pick<Reg, 'read' | 'write'>): Reg => ({
  offset,
  width,
  doc,
  ...behaviour,
})

/** The registers of a device as handlers for an address space. */
export function handlersOf(regs: Regs, sizes?: IoHandlers['sizes']): IoHandlers {
  const table: Reg[] = []
  for (const r of Object.values(regs)) for (let i = 0; i < r.width; i++) table[r.offset + i] = r
  return {
    ...(sizes === undefined ? {} : { sizes }),
    read(offset, size) {
      const r = table[offset]
      return r?.read === undefined ? 0xffff_ffff : r.read(offset - r.offset, size)
    },
    write(offset, size, value) {
      const r = table[offset]
      r?.write?.(value, offset - r.offset, size)
    },
  }
}
