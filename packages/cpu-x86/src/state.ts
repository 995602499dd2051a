/**
 * Where the processor's state lives: byte offsets from the CPU area's base in the one memory.
 * Generated code adds the base as a constant; TypeScript reads the same places through CpuState.
 */

/** Registers are 8 bytes apart, vectors 16. All little-endian, as WebAssembly has it. */
export const S = {
  /** RAX RCX RDX RBX RSP RBP RSI RDI R8..R15. */
  gpr: 0x000,
  /** Always zero: base or index of an operand that has none. */
  zero: 0x080,
  /** Linear address of the next instruction less the CS base (RIP); exact whenever TypeScript looks. */
  rip: 0x088,
  /** Flags at rest: result (sign-extended), carry vector (bit 63 = CF, bit 63 ^ bit 62 = OF), AF in bit 4 of aux. */
  flagRes: 0x090,
  flagCv: 0x098,
  flagAux: 0x0a0,
  /** EFLAGS without CF PF AF ZF SF OF; DF is here too. */
  eflags: 0x0a4,
  /** DF as a step: 1 or -1. */
  direction: 0x0a8,
  /** Instructions left before the run loop wants control; negative asks for it at the next block end. */
  budget: 0x0ac,
  /** Why generated code came back: EXIT. */
  exit: 0x0b0,
  /** Record that was being executed when it came back. */
  exitRecord: 0x0b4,
  /** Linear address of the page whose code runs, less the CS base: RIP = codePage + record's offset. i64. */
  codePage: 0x0b8,
  /** Offset of the TLB in use: user or supervisor half. */
  tlb: 0x0c0,
  /** XORed into jump-cache tags: mode and privilege. i64. */
  modeTag: 0x0c8,
  /** Faulting access or pending exception, for the run loop. */
  vector: 0x0d0,
  errorCode: 0x0d4,
  hasErrorCode: 0x0d8,
  cr2: 0x0e0,
  /** Six segments, 48 bytes each: see SEG. */
  seg: 0x100,
  ldtr: 0x220,
  tr: 0x250,
  gdtBase: 0x280,
  gdtLimit: 0x288,
  idtBase: 0x290,
  idtLimit: 0x298,
  cr0: 0x2a0,
  cr3: 0x2a8,
  cr4: 0x2b0,
  efer: 0x2b8,
  /** DR0 to DR7. */
  dr: 0x2c0,
  /** 0, 1, 2, 3 */
  cpl: 0x300,
  /** Levels of the input wires and events to take: PENDING bits. */
  pending: 0x304,
  halted: 0x308,
  /** Interrupts are held off for one instruction (STI, MOV SS): QEMU's HF_INHIBIT_IRQ. */
  shadow: 0x30c,
  a20Mask: 0x310,
  /** Exception (7 #NM, 16 #MF, 6 #UD; 0 none) that an x87, MMX, SSE or WAIT instruction meets before it does anything.
   *  They follow from CR0.EM/TS/MP/NE, CR4.OSFXSR, MXCSR and the x87 summary bit: updateFpuBlocks(view, base) of fpu/blocks.ts
   *  sets them; cpu.modeChanged() calls it (so: after every write of CR0 or CR4), and fpu/ itself where it writes MXCSR
   *  or the x87 status. Loading a state (vmstate, reset) calls it too. */
  fpuBlock: 0x314,
  /** For x87 instructions that wait: fpuBlock, or #MF for a pending unmasked x87 exception. */
  fpuWaitBlock: 0x318,
  mmxBlock: 0x31c,
  sseBlock: 0x320,
  /** sseBlock, or 256 when MXCSR asks for more than WebAssembly's arithmetic gives: rounding, FTZ, DAZ, unmasked. */
  sseSlow: 0x324,
  /** For WAIT: TS counts only with MP. */
  waitBlock: 0x328,
  /** Not 0: code has a base or a limit, which the run loop checks where control goes after a system instruction. */
  bounded: 0x32c,
  /** An NMI handler runs: further NMIs wait for IRET. */
  nmiBlocked: 0x330,
  /** 8 slots of 16 bytes, physical order (MM0-MM7 are their low halves). */
  fpr: 0x340,
  fpuControl: 0x3c0,
  /** Status word without TOP; TOP is fpuTop. */
  fpuStatus: 0x3c4,
  fpuTop: 0x3c8,
  /** 1 byte a register, physical order: 1 empty, 0 in use. */
  fpuEmpty: 0x3d0,
  fpuOpcode: 0x3d8,
  fpuIp: 0x3e0,
  fpuDp: 0x3e8,
  fpuCs: 0x3f0,
  fpuDs: 0x3f4,
  mxcsr: 0x3f8,
  /** 16 XMM registers, room for 32 of 64 bytes is not reserved. */
  xmm: 0x400,
  /** Scratch for accesses that cross pages or reach devices: 16 bytes to read, 16 to write. */
  scratchRead: 0x500,
  scratchWrite: 0x510,
  /** Free for runtime functions (temporaries of x87 and SSE code). */
  temp: 0x540,
  /** An FXSAVE or FSAVE image on its way to or from memory: 512 bytes. */
  fpuImage: 0x600,
  /** MSRs that SYSCALL and SWAPGS use, i64 each. */
  kernelGsBase: 0x800,
  star: 0x808,
  lstar: 0x810,
  cstar: 0x818,
  fmask: 0x820,
  tscAux: 0x828,
  /** SYSENTER's MSRs: i32, and two i64. */
  sysenterCs: 0x840,
  sysenterEsp: 0x848,
  sysenterEip: 0x850,
  /** Upper words of modeTag for supervisor and user code in the mode in use. */
  modeTags: 0x858,
  /** Key of the mode in use: tier0/mode.ts. */
  modeKey: 0x860,
  /** By vector: exceptions that generated code delivered, i32 each. */
  exceptions: 0x880,
  /** Results of runtime functions that return 0 or 1 for a fault: 16 bytes. */
  result: 0x830,
  /** CS base as code addresses have it (0 in flat and 64-bit mode), and the mask that wraps linear addresses. i64 each. */
  codeBase: 0xa00,
  codeMask: 0xa08,
  /** Instructions left that tier 0 runs before it says what it spends its time on: exitRecord is of the block it has run. */
  untilSample: 0xa10,
  /** Slots of 16 bytes for accesses that no host address can stand for: 8 to read, 16 to write (committed afterwards). */
  slowReads: 0xa40,
  slowWrites: 0xac0,
  end: 0xc00,
} as const

/** Inside a segment register's 48 bytes. */
export const SEG = {
  /** i64 */
  base: 0,
  selector: 8,
  /** Byte-granular limit, as the descriptor says. */
  limit: 12,
  /** Descriptor bits 8 to 23 of its second word, in place: type, S, DPL, P, AVL, L, D/B, G (QEMU's flags). */
  flags: 16,
  /** Lowest offset, and highest for reads and for writes, that an access may touch; high < low: none. i64 each. */
  low: 24,
  highRead: 32,
  highWrite: 40,
  size: 48,
} as const

/** Bits of S.pending. */
export const PENDING = { intr: 1, nmi: 2, smi: 4, init: 8, sipi: 16, stop: 32, tlbFlush: 64 } as const

/** Values of S.exit. */
export const EXIT = {
  none: 0,
  /** Budget used up, or attention asked for, at a block end: RIP is right. */
  budget: 1,
  /** Control goes to RIP, which has no record linked yet. */
  jump: 2,
  /** S.vector holds an exception raised by the instruction of exitRecord; nothing of it was done. */
  fault: 3,
  /** A `leave` instruction has run (its successor is at RIP). */
  left: 4,
  halt: 5,
  /** Came upon a record that was dropped: exitRecord is to be executed next, once it is decoded anew. */
  dead: 6,
} as const

/** Exceptions. SDM vol. 3A, table 6-1. */
export const EXC = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const

/** Soft-TLB: two halves (supervisor, user) of direct-mapped entries {i64 read tag, i64 write tag, i32 addend, pad}. */
export const TLB = { entries: 16384, entryBytes: 32, readTag: 0, writeTag: 8, addend: 16 } as const
/** A tag that no page has. */
export const TLB_EMPTY = -1n
