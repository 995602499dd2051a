/**
 * Named access to the processor's state in the CPU area of the host memory, and the rest of it that generated code
 * never touches. 64-bit values are read as two halves, or as a signed number where they are linear addresses
 * (canonical ones are exact in a double), or as a bigint where it is cold.
 */
import type { HostMemory } from '@godwit/memory'
import { ARITHMETIC, CR0, DESC, EFER, FLAG, LDTR, TR } from './register-bits.ts'
import { SEG, S } from './state.ts'

export * from './register-bits.ts'

export class CpuState {
  readonly host: HostMemory
  readonly base: number
  readonly view: DataView
  private readonly w: Int32Array
  readonly bytes: Uint8Array

  // -- what generated code does not touch -----------------------------------------------------------------
  smbase = 0x3_0000
  inSmm = false
  /** Set by the board: system management mode was entered or left, so that SMRAM is shown or hidden. */
  onSmm: ((inside: boolean) => void) | undefined
  /** The SMI came while an NMI handler ran. */
  smiInsideNmi = false
  smiCount = 0n
  /** Rate of the TSC in kHz that somebody asked for, here or at an earlier host; 0: nobody. A reset leaves it. */
  tscKhz = 0n
  pat = 0x0007_0406_0007_0406n
  readonly mtrrFixed = new BigUint64Array(11)
  mtrrDefType = 0n
  readonly mtrrBase = new BigUint64Array(8)
  readonly mtrrMask = new BigUint64Array(8)
  mcgCap = 0n
  mcgStatus = 0n
  mcgCtl = 0n
  readonly mceBanks = new BigUint64Array(40)
  /** IA32_MISC_ENABLE. */
  miscEnable = 1n
  featureControl = 0n
  tscDeadline = 0n
  /** What the guest added to the machine's TSC by writing it. */
  tscOffset = 0n
  tscAdjust = 0n
  xcr0 = 1n
  /** Two u64 a register: the upper halves of YMM0 to YMM15, kept for the stream. */
  readonly ymmHigh = new BigUint64Array(32)

  constructor(host: HostMemory, base: number) {
    this.host = host
    this.base = base
    this.view = new DataView(host.memory.buffer, base, S.end)
    this.w = new Int32Array(host.memory.buffer, base, S.end >> 2)
    this.bytes = host.bytes.subarray(base, base + S.end)
  }

  // -- raw fields ------------------------------------------------------------------------------------------
  /** Signed low word of a field. */
  low(offset: number): number {
    return this.w[offset >> 2]!
  }

  high(offset: number): number {
    return this.w[(offset >> 2) + 1]!
  }

  /** Unsigned low word. */
  word(offset: number): number {
    return this.w[offset >> 2]! >>> 0
  }

  setWord(offset: number, value: number): void {
    this.w[offset >> 2] = value
  }

  setPair(offset: number, low: number, high: number): void {
    this.w[offset >> 2] = low
    this.w[(offset >> 2) + 1] = high
  }

  /** A 64-bit field as a signed number: exact for canonical addresses. */
  num(offset: number): number {
    return this.w[(offset >> 2) + 1]! * 4294967296 + (this.w[offset >> 2]! >>> 0)
  }

  setNum(offset: number, value: number): void {
    this.w[offset >> 2] = value
    this.w[(offset >> 2) + 1] = Math.floor(value / 4294967296)
  }

  /** A 64-bit field, unsigned. */
  big(offset: number): bigint {
    return this.view.getBigUint64(offset, true)
  }

  setBig(offset: number, value: bigint): void {
    this.view.setBigUint64(offset, BigInt.asUintN(64, value), true)
  }

  // -- general registers -----------------------------------------------------------------------------------
  gpr(n: number): bigint {
    return this.big(S.gpr + 8 * n)
  }

  setGpr(n: number, value: bigint): void {
    this.setBig(S.gpr + 8 * n, value)
  }

  gprLow(n: number): number {
    return this.w[(S.gpr >> 2) + 2 * n]!
  }

  gprHigh(n: number): number {
    return this.w[(S.gpr >> 2) + 2 * n + 1]!
  }

  /** Sets the lower half and clears the upper, as 32-bit operations do. */
  setGpr32(n: number, value: number): void {
    this.setPair(S.gpr + 8 * n, value, 0)
  }

  gprNum(n: number): number {
    return this.num(S.gpr + 8 * n)
  }

  get rip(): number {
    return this.num(S.rip)
  }

  set rip(value: number) {
    this.setNum(S.rip, value)
  }

  get rsp(): number {
    return this.num(S.gpr + 32)
  }

  set rsp(value: number) {
    this.setNum(S.gpr + 32, value)
  }

  // -- flags -----------------------------------------------------------------------------------------------
  /**
   * EFLAGS, composed of the words at rest (flags.ts): res gives ZF, and SF and PF unless aux inverts them
   * (bit 7, bit 2); cv gives CF (bit 63) and OF (bit 63 ^ bit 62); aux bit 4 is AF.
   */
  get eflags(): number {
    const resLow = this.low(S.flagRes)
    const resHigh = this.high(S.flagRes)
    const cv = this.high(S.flagCv)
    const aux = this.low(S.flagAux)
    let f = (this.low(S.eflags) & ~ARITHMETIC) | 2 | (aux & FLAG.AF)
    if ((resLow | resHigh) === 0) f |= FLAG.ZF
    f |= ((resHigh >>> 24) & FLAG.SF) ^ (aux & FLAG.SF)
    let p = resLow ^ (resLow >> 4)
    p ^= p >> 2
    p ^= p >> 1
    f |= (((p & 1) ^ 1) << 2) ^ (aux & FLAG.PF)
    if (cv < 0) f |= FLAG.CF
    if ((cv ^ (cv << 1)) < 0) f |= FLAG.OF
    return f >>> 0
  }

  set eflags(f: number) {
    let aux = f & FLAG.AF
    const parity = (f & FLAG.PF) !== 0
    let res: number
    if ((f & FLAG.ZF) !== 0) {
      res = 0
      aux |= f & FLAG.SF
      if (!parity) aux |= FLAG.PF
    } else if ((f & FLAG.SF) !== 0) res = parity ? -1 : -2
    else res = parity ? 3 : 1
    this.setPair(S.flagRes, res, res >> 31)
    const cf = f & 1
    const of = (f >>> 11) & 1
    this.setPair(S.flagCv, 0, (cf << 31) | ((cf ^ of) << 30))
    this.setWord(S.flagAux, aux)
    this.setWord(S.eflags, (f & ~ARITHMETIC) | 2)
    this.setWord(S.direction, (f & FLAG.DF) !== 0 ? -1 : 1)
  }

  /** Flags other than the six arithmetic ones, without composing those. */
  get systemFlags(): number {
    return this.low(S.eflags)
  }

  set systemFlags(f: number) {
    this.setWord(S.eflags, (f & ~ARITHMETIC) | 2)
    this.setWord(S.direction, (f & FLAG.DF) !== 0 ? -1 : 1)
  }

  // -- registers of system calls and interrupts -----------------------------------------------------------------
  get sysenterCs(): number {
    return this.word(S.sysenterCs)
  }

  set sysenterCs(value: number) {
    this.setWord(S.sysenterCs, value)
  }

  get sysenterEsp(): number {
    return this.num(S.sysenterEsp)
  }

  set sysenterEsp(value: number) {
    this.setNum(S.sysenterEsp, value)
  }

  get sysenterEip(): number {
    return this.num(S.sysenterEip)
  }

  set sysenterEip(value: number) {
    this.setNum(S.sysenterEip, value)
  }

  get nmiBlocked(): boolean {
    return this.low(S.nmiBlocked) !== 0
  }

  set nmiBlocked(on: boolean) {
    this.setWord(S.nmiBlocked, on ? 1 : 0)
  }

  // -- segments (0 to 5, LDTR, TR) ------------------------------------------------------------------------------
  selector(i: number): number {
    return this.low(S.seg + i * SEG.size + SEG.selector)
  }

  segBase(i: number): number {
    return this.num(S.seg + i * SEG.size + SEG.base)
  }

  /** Last byte, unsigned. */
  segLimit(i: number): number {
    return this.word(S.seg + i * SEG.size + SEG.limit)
  }

  segFlags(i: number): number {
    return this.low(S.seg + i * SEG.size + SEG.flags)
  }

  /** Fills a segment register's cache and the words that bound its accesses. */
  setSegment(i: number, selector: number, base: number, limit: number, flags: number): void {
    const at = S.seg + i * SEG.size
    this.setNum(at + SEG.base, base)
    this.setWord(at + SEG.selector, selector)
    this.setWord(at + SEG.limit, limit)
    this.setWord(at + SEG.flags, flags)
    if (i < LDTR) this.boundSegment(i)
  }

  /** The same for one of the first six while CR0.PE and EFLAGS.VM stay: the bounds change only with limit and flags. */
  resetSegment(i: number, selector: number, base: number, limit: number, flags: number): void {
    const at = (S.seg + i * SEG.size) >> 2
    const { w } = this
    w[at] = base
    w[at + 1] = Math.floor(base / 4294967296)
    w[at + 2] = selector
    if (w[at + 3] === (limit | 0) && w[at + 4] === (flags | 0)) return
    w[at + 3] = limit
    w[at + 4] = flags
    this.boundSegment(i)
  }

  /** Real mode and V86: selector and base change, the rest of the cache stays (big real mode lives on that). */
  setRealSegment(i: number, selector: number): void {
    const at = S.seg + i * SEG.size
    this.setNum(at + SEG.base, selector * 16)
    this.setWord(at + SEG.selector, selector)
  }

  setSegBase(i: number, base: number): void {
    this.setNum(S.seg + i * SEG.size + SEG.base, base)
  }

  setSegFlags(i: number, flags: number): void {
    this.setWord(S.seg + i * SEG.size + SEG.flags, flags)
    this.boundSegment(i)
  }

  /** Lowest and highest offsets, from limit and flags: SDM vol. 3A, 5.3. */
  boundSegment(i: number): void {
    const at = S.seg + i * SEG.size
    const limit = this.segLimit(i)
    const flags = this.segFlags(i)
    let low = 0
    let high = limit
    let read = true
    let write = true
    if (this.protectedMode) {
      const usable = (flags & DESC.present) !== 0 && (flags & DESC.system) !== 0
      const code = (flags & DESC.code) !== 0
      read = usable && (!code || (flags & DESC.readable) !== 0)
      write = usable && !code && (flags & DESC.writable) !== 0
      if (!code && (flags & DESC.down) !== 0) {
        low = limit + 1
        high = (flags & DESC.big) !== 0 ? 0xffff_ffff : 0xffff
      }
    }
    if (low > high) read = write = false
    this.setNum(at + SEG.low, read || write ? low : 1)
    this.setNum(at + SEG.highRead, read ? high : -1)
    this.setNum(at + SEG.highWrite, write ? high : -1)
  }

  // -- modes ------------------------------------------------------------------------------------------------
  get cr0(): number {
    return this.low(S.cr0)
  }

  get cr4(): number {
    return this.low(S.cr4)
  }

  get efer(): number {
    return this.low(S.efer)
  }

  get cpl(): number {
    return this.low(S.cpl)
  }

  set cpl(value: number) {
    this.setWord(S.cpl, value)
  }

  /** CR0.PE and not V86: selectors name descriptors. */
  get protectedMode(): boolean {
    return (this.low(S.cr0) & CR0.PE) !== 0 && (this.low(S.eflags) & FLAG.VM) === 0
  }

  get v86(): boolean {
    return (this.low(S.eflags) & FLAG.VM) !== 0
  }

  /** EFER.LMA: long mode, 64-bit or compatibility. */
  get longMode(): boolean {
    return (this.low(S.efer) & EFER.LMA) !== 0
  }

  /** 64-bit code. */
  get code64(): boolean {
    return this.longMode && (this.segFlags(1) & DESC.long) !== 0
  }

  get codeSize(): 16 | 32 | 64 {
    if (this.code64) return 64
    return (this.segFlags(1) & DESC.big) !== 0 ? 32 : 16
  }

  get stackSize(): 16 | 32 | 64 {
    if (this.code64) return 64
    return (this.segFlags(2) & DESC.big) !== 0 ? 32 : 16
  }

  get iopl(): number {
    return (this.low(S.eflags) >> 12) & 3
  }

  /** The state after power-on or INIT; SDM vol. 3A, table 9-1. EDX holds the model's signature. */
  reset(signature: number, machineCheck = true): void {
    const { fpr, fpuEmpty, xmm } = S
    this.leaveSmm()
    this.setWord(S.a20Mask, -1)
    this.resetMachineCheck(machineCheck)
    for (let i = 0; i < 16; i++) this.setPair(S.gpr + 8 * i, 0, 0)
    this.setPair(S.zero, 0, 0)
    this.setGpr32(2, signature)
    this.rip = 0xfff0
    this.eflags = 2
    this.setPair(S.cr0, 0x6000_0010, 0)
    for (const at of [S.cr2, S.cr3, S.cr4, S.efer]) this.setPair(at, 0, 0)
    this.cpl = 0
    for (let i = 0; i < 6; i++) this.setSegment(i, 0, 0, 0xffff, 0x9300)
    this.setSegment(1, 0xf000, 0xffff_0000, 0xffff, 0x9b00)
    this.setSegment(LDTR, 0, 0, 0xffff, 0x8200)
    this.setSegment(TR, 0, 0, 0xffff, 0x8b00)
    for (const at of [S.gdtBase, S.idtBase]) this.setPair(at, 0, 0)
    this.setWord(S.gdtLimit, 0xffff)
    this.setWord(S.idtLimit, 0xffff)
    for (let i = 0; i < 8; i++) this.setPair(S.dr + 8 * i, 0, 0)
    this.setPair(S.dr + 48, 0xffff_0ff0, 0)
    this.setPair(S.dr + 56, 0x400, 0)
    this.setWord(S.pending, 0)
    this.setWord(S.halted, 0)
    this.setWord(S.shadow, 0)
    this.bytes.fill(0, fpr, fpr + 128)
    this.setWord(S.fpuControl, 0x37f)
    this.setWord(S.fpuStatus, 0)
    this.setWord(S.fpuTop, 0)
    this.bytes.fill(1, fpuEmpty, fpuEmpty + 8)
    this.setWord(S.fpuOpcode, 0)
    this.setPair(S.fpuIp, 0, 0)
    this.setPair(S.fpuDp, 0, 0)
    this.setWord(S.fpuCs, 0)
    this.setWord(S.fpuDs, 0)
    this.setWord(S.mxcsr, 0x1f80)
    this.bytes.fill(0, xmm, xmm + 256)
    for (const at of [S.kernelGsBase, S.star, S.lstar, S.cstar, S.fmask, S.tscAux]) this.setPair(at, 0, 0)
    this.resetRest()
  }

  /** Ends system management mode, telling the board. */
  leaveSmm(): void {
    if (!this.inSmm) return
    this.inSmm = false
    this.onSmm?.(false)
  }

  private resetRest(): void {
    this.sysenterCs = this.sysenterEsp = this.sysenterEip = 0
    this.smbase = 0x3_0000
    this.nmiBlocked = this.smiInsideNmi = false
    this.smiCount = 0n
    this.pat = 0x0007_0406_0007_0406n
    for (const a of [this.mtrrFixed, this.mtrrBase, this.mtrrMask, this.ymmHigh]) a.fill(0n)
    this.mtrrDefType = 0n
    this.mcgStatus = 0n
    this.miscEnable = 1n
    this.featureControl = this.tscDeadline = this.tscAdjust = this.tscOffset = 0n
    this.xcr0 = 1n
  }

  /** Machine-check banks as a model of family 6 or later with MCE and MCA has them: ten, all enabled. */
  resetMachineCheck(present: boolean): void {
    this.mcgCap = present ? 0x0100_010an : 0n
    this.mcgCtl = present ? 0xffff_ffff_ffff_ffffn : 0n
    this.mceBanks.fill(0n)
    if (present) for (let i = 0; i < 10; i++) this.mceBanks[4 * i] = 0xffff_ffff_ffff_ffffn
  }
}
