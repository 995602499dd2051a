/** Bits of EFLAGS, the control registers, EFER and segments, and the indices of LDTR and TR. */

/** Index of LDTR and TR among the segments. */
export const LDTR = 6
export const TR = 7

export const FLAG = {
  CF: 1,
  PF: 4,
  AF: 0x10,
  ZF: 0x40,
  SF: 0x80,
  TF: 0x100,
  IF: 0x200,
  DF: 0x400,
  OF: 0x800,
  IOPL: 0x3000,
  NT: 0x4000,
  RF: 0x1_0000,
  VM: 0x2_0000,
  AC: 0x4_0000,
  VIF: 0x8_0000,
  VIP: 0x10_0000,
  ID: 0x20_0000,
} as const
/** CF PF AF ZF SF OF. */
export const ARITHMETIC = 0x8d5

export const CR0 = {
  PE: 1,
  MP: 2,
  EM: 4,
  TS: 8,
  ET: 0x10,
  NE: 0x20,
  WP: 0x1_0000,
  AM: 0x4_0000,
  NW: 0x2000_0000,
  CD: 0x4000_0000,
  PG: 0x8000_0000,
} as const

export const CR4 = {
  VME: 1,
  PVI: 2,
  TSD: 4,
  DE: 8,
  PSE: 0x10,
  PAE: 0x20,
  MCE: 0x40,
  PGE: 0x80,
  PCE: 0x100,
  OSFXSR: 0x200,
  OSXMMEXCPT: 0x400,
  UMIP: 0x800,
  FSGSBASE: 0x1_0000,
  SMEP: 0x10_0000,
  SMAP: 0x20_0000,
} as const

export const EFER = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800, SVME: 0x1000, FFXSR: 0x4000 } as const

/** Bits of a segment's flags word: the descriptor's second word in place. */
export const DESC = {
  accessed: 0x100,
  /** Data: writable. Code: readable. */
  writable: 0x200,
  readable: 0x200,
  /** Data: grows down. Code: conforming. */
  down: 0x400,
  conforming: 0x400,
  code: 0x800,
  system: 0x1000,
  present: 0x8000,
  long: 0x20_0000,
  big: 0x40_0000,
  granular: 0x80_0000,
} as const
export const dplOf = (flags: number): number => (flags >> 13) & 3
export const typeOf = (flags: number): number => (flags >> 8) & 15
