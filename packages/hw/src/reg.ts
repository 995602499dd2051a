import type { IoHandlers } from '@godwit/memory'

/** One register the guest can reach, or a run of alike ones. Offsets count from the device's base. */
export interface Reg {
  readonly offset: number
  /** Bytes the register covers: 1, 2, 4, or more for a run. */
  readonly width: number
  readonly doc: string
  /** Takes accesses wider than itself, which else reach its neighbours too: a data port. */
  readonly wide?: boolean
  /** Absent: write-only, reads as all ones. `at` is the offset inside the register, `size` the access in bytes. */
  read?(at: number, size: 1 | 2 | 4): number
  /** Absent: read-only. */
  write?(value: number, at: number, size: 1 | 2 | 4): void
}

export type Regs = Readonly<Record<string, Reg>>

export const reg = (
  offset: number,
  width: number,
  doc: string,
  behaviour: Pick<Reg, 'read' | 'write' | 'wide'>,
): Reg => ({
  offset,
  width,
  doc,
  ...behaviour,
})

/** The registers of a device as handlers for an address space. */
export function handlersOf(regs: Regs, sizes?: IoHandlers['sizes']): IoHandlers {
  const table: Reg[] = []
  for (const r of Object.values(regs)) for (let i = 0; i < r.width; i++) table[r.offset + i] = r
  /** Whether one register takes the whole access; else it falls apart into bytes. */
  const fits = (r: Reg | undefined, offset: number, size: number): boolean =>
    size === 1 || (r !== undefined && (r.wide === true || offset + size <= r.offset + r.width))
  return {
    ...(sizes === undefined ? {} : { sizes }),
    read(offset, size) {
      const r = table[offset]
      if (fits(r, offset, size)) return r?.read === undefined ? 0xffff_ffff : r.read(offset - r.offset, size)
      let value = 0
      for (let i = 0; i < size; i++) {
        const b = table[offset + i]
        value |= (b?.read === undefined ? 0xff : b.read(offset + i - b.offset, 1) & 0xff) << (8 * i)
      }
      return value >>> 0
    },
    write(offset, size, value) {
      const r = table[offset]
      if (fits(r, offset, size)) {
        r?.write?.(value, offset - r.offset, size)
        return
      }
      for (let i = 0; i < size; i++) {
        const b = table[offset + i]
        b?.write?.((value >>> (8 * i)) & 0xff, offset + i - b.offset, 1)
      }
    },
  }
}
