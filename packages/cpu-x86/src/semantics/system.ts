/**
 * System instructions. What is checked and rare runs in TypeScript (system/); what kernels do all the time
 * (CLI, STI, PUSHF, POPF, SWAPGS) stays in WebAssembly and goes on without the run loop where it can.
 */
import { I32, I64 } from '@godwit/wasm-encoder'
import { FLAG } from '../cpu-state.ts'
import { SS, type MemOperand, type Size } from '../decode/insn.ts'
import { CC } from '../flags.ts'
import { EXC, PENDING, S, SEG } from '../state.ts'
import { k32, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'

const low = (v: Val): Val => v.to32()
const high = (v: Val): Val => (v.type === I64 ? v.shrU(32).to32() : k32(0))

/** A value as wide as a register of the given size. */
const sized = (v: Val, size: Size): Val => (size === 64 ? v.to64u() : v.to32())

const result = (u: Unit, word = 0): Val => u.field(I32, S.result + 4 * word)

/** A `leave` instruction whose successor follows in memory and is decoded as before: no need for the run loop. */
const goOn = (u: Unit): void => u.jumpTo(u.next())

function raiseUnlessKernel(u: Unit): void {
  u.raise(EXC.GP, 0, u.field(I32, S.cpl).ne(0))
}

// -- the stack ---------------------------------------------------------------------------------------------------
function stackPointer(u: Unit): Val {
  return u.reg(4, u.stackSize).to64u()
}

function setStackPointer(u: Unit, value: Val): void {
  u.setReg(4, u.stackSize, sized(value, u.stackSize))
}

function push(u: Unit, size: Size, value: () => Val): void {
  const sp = u.e.let(
    stackPointer(u)
      .sub(size / 8)
      .zext(u.stackSize),
  )
  const place = u.memory(SS, sp, size, 'write')
  place.set(sized(value(), size))
  setStackPointer(u, sp)
}

/** Reads the top of the stack; `done` moves the pointer. */
function pop(u: Unit, size: Size): { readonly value: Val; readonly done: () => void } {
  const sp = u.e.let(stackPointer(u).zext(u.stackSize))
  const value = u.e.let(u.memory(SS, sp, size, 'read').get())
  return { value, done: () => setStackPointer(u, u.e.let(sp.add(size / 8).zext(u.stackSize))) }
}

// -- flags -------------------------------------------------------------------------------------------------------
const systemFlags = (u: Unit): Val => u.e.let(u.field(I32, S.eflags))
const ioplOf = (flags: Val): Val => flags.shrU(12).and(3)

/** V86 below IOPL 3: #GP. */
function raiseInV86(u: Unit, flags: Val): void {
  u.raise(EXC.GP, 0, flags.and(FLAG.VM).ne(0).and(ioplOf(flags).ltU(3)))
}

const pushf: Meaning = (u) => {
  const flags = systemFlags(u)
  raiseInV86(u, flags)
  const image = u.flags.image()
  push(u, u.size, () =>
    flags
      .and(~(FLAG.VM | FLAG.RF))
      .or(image)
      .or(2),
  )
}

const popf: Meaning = (u) => {
  const old = systemFlags(u)
  raiseInV86(u, old)
  const { value, done } = pop(u, u.size)
  const image = u.e.let(low(value))
  const cpl = u.e.let(u.field(I32, S.cpl))
  const fixed = FLAG.TF | FLAG.DF | FLAG.NT | (u.size === 16 ? 0 : FLAG.AC | FLAG.ID)
  const mask = u.e.let(
    select(cpl.leU(ioplOf(old)), k32(FLAG.IF), k32(0))
      .or(select(cpl.isZero(), k32(FLAG.IOPL), k32(0)))
      .or(fixed),
  )
  const next = u.e.let(old.and(mask.not()).or(image.and(mask)).and(~FLAG.RF).or(2))
  done()
  u.setField(S.eflags, next)
  u.setField(S.direction, select(next.and(FLAG.DF).ne(0), k32(-1), k32(1)))
  u.flags.load(image)
  attendIf(u, next.and(FLAG.TF).ne(0).or(wanted(u, next)))
  goOn(u)
}

/** An interrupt waits and may be taken now. */
const wanted = (u: Unit, flags: Val): Val => flags.and(FLAG.IF).ne(0).and(u.field(I32, S.pending).ne(0))

function attendIf(u: Unit, condition: Val): void {
  const flag = u.e.flag(condition)
  u.flags.flush()
  u.e.unlikely(flag, () => {
    u.call('attend', [])
  })
}

/** #GP unless CPL <= IOPL. In V86 CPL is 3. */
function raiseUnlessIopl(u: Unit, flags: Val): void {
  u.raise(EXC.GP, 0, u.field(I32, S.cpl).gtU(ioplOf(flags)))
}

const cli: Meaning = (u) => {
  const flags = systemFlags(u)
  raiseUnlessIopl(u, flags)
  u.setField(S.eflags, flags.and(~FLAG.IF))
  u.setField(S.shadow, k32(0))
  goOn(u)
}

/** S.shadow tells the run loop, if it gets control right here, to let one instruction pass. */
const sti: Meaning = (u) => {
  const flags = systemFlags(u)
  raiseUnlessIopl(u, flags)
  u.setField(S.eflags, flags.or(FLAG.IF))
  u.setField(S.shadow, flags.and(FLAG.IF).isZero())
  attendIf(
    u,
    u
      .field(I32, S.pending)
      .and(PENDING.intr | PENDING.nmi | PENDING.smi)
      .ne(0),
  )
  goOn(u)
}

const swapgs: Meaning = (u) => {
  raiseUnlessKernel(u)
  const at = S.seg + 5 * SEG.size + SEG.base
  const gs = u.e.let(u.field(I64, at))
  u.setField(at, u.field(I64, S.kernelGsBase))
  u.setField(S.kernelGsBase, gs)
  goOn(u)
}

// -- segments ----------------------------------------------------------------------------------------------------
const segmentOf = (u: Unit, i: number): boolean => {
  const o = u.insn.operands[i]!
  return o.kind === 'reg' && o.file === 'seg'
}

const movSeg: Meaning = (u) => {
  if (segmentOf(u, 0)) {
    const selector = u.place(1, 'read').get()
    u.fallible('load_segment', [u.number(0), selector])
    return
  }
  const to = u.insn.operands[0]!
  const place = u.place(0, 'write')
  place.set(sized(u.place(1, 'read').get(), to.size))
}

const pushSeg: Meaning = (u) => push(u, u.size, () => u.place(0, 'read').get())

const popSeg: Meaning = (u) => {
  const { value, done } = pop(u, u.size)
  u.fallible('load_segment', [u.number(0), low(value).and(0xffff)])
  done()
}

/** A far pointer in memory: the offset, then the selector. */
function farPointer(u: Unit, i: number, size: Size): { readonly offset: Val; readonly selector: Val } {
  const address = u.address(i)
  const offset = u.e.let(u.place(i, 'read', { address, size }).get())
  const at = u.e.let(address.add(size / 8).zext((u.insn.operands[i] as MemOperand).addressSize))
  const selector = u.e.let(u.place(i, 'read', { address: at, size: 16 }).get())
  return { offset, selector }
}

/** LES and its kin: segment by number. */
const loadFar =
  (segment: number): Meaning =>
  (u) => {
    const { offset, selector } = farPointer(u, 1, u.size)
    u.fallible('load_segment', [k32(segment), selector])
    u.place(0, 'write').set(offset)
  }

const farTransfer =
  (name: string): Meaning =>
  (u) => {
    const direct = u.insn.operands[0]!.kind === 'imm'
    const size = u.insn.operandSize
    if (direct) {
      const offset = u.place(0, 'read').get()
      u.system(name, [u.place(1, 'read').get(), low(offset), k32(0), k32(size)])
      return
    }
    const { offset, selector } = farPointer(u, 0, size)
    u.system(name, [selector, low(offset), high(offset), k32(size)])
  }

/** LGDT, LIDT: a limit of 16 bits and a base of 24, 32 or 64. */
const loadTable =
  (name: string): Meaning =>
  (u) => {
    const { addressSize } = u.insn.operands[0] as MemOperand
    const long = u.stackSize === 64
    const address = u.address(0)
    const limit = u.e.let(u.place(0, 'read', { address, size: 16 }).get())
    const at = u.e.let(address.add(2).zext(addressSize))
    const base = u.e.let(u.place(0, 'read', { address: at, size: long ? 64 : 32 }).get())
    const cut = !long && u.insn.operandSize === 16 ? low(base).and(0xff_ffff) : low(base)
    u.system(name, [limit, cut, high(base)])
  }

const storeTable =
  (base: number, limit: number): Meaning =>
  (u) => {
    const { addressSize } = u.insn.operands[0] as MemOperand
    const long = u.stackSize === 64
    const address = u.address(0)
    const at = u.e.let(address.add(2).zext(addressSize))
    const second = u.place(0, 'write', { address: at, size: long ? 64 : 32 })
    const first = u.place(0, 'write', { address, size: 16 })
    first.set(u.field(I32, limit).and(0xffff))
    second.set(u.field(long ? I64 : I32, base))
  }

const storeSelector =
  (field: number): Meaning =>
  (u) => {
    u.fallible('need_protected', [])
    u.place(0, 'write').set(sized(u.field(I32, field + SEG.selector), u.insn.operands[0]!.size))
  }

const loadSelector =
  (name: string): Meaning =>
  (u) =>
    u.system(name, [u.place(0, 'read').get()])

/** ZF as given, the other flags stay. */
function setZero(u: Unit, zero: Val): void {
  const image = u.flags.image()
  u.flags.load(u.e.let(image.and(~FLAG.ZF).or(zero.shl(6))))
}

const verify =
  (name: string): Meaning =>
  (u) => {
    u.fallible(name, [u.place(0, 'read').get()])
    setZero(u, u.e.let(result(u)))
  }

const inspect =
  (name: string): Meaning =>
  (u) => {
    u.fallible(name, [u.place(1, 'read').get()])
    const found = u.e.let(result(u))
    const value = u.e.let(sized(result(u, 1), u.size))
    const place = u.place(0, 'both')
    u.e.if(found, () => place.set(u.size === 16 ? value.and(0xffff) : value))
    setZero(u, found)
  }

const arpl: Meaning = (u) => {
  u.fallible('need_protected', [])
  const place = u.place(0, 'both')
  const to = u.e.let(place.get())
  const from = u.e.let(u.place(1, 'read').get().and(3))
  const less = u.e.flag(to.and(3).ltU(from))
  u.e.if(less, () => place.set(to.and(~3).or(from)))
  setZero(u, less)
}

// -- control -----------------------------------------------------------------------------------------------------
const movControl =
  (file: 'cr' | 'dr'): Meaning =>
  (u) => {
    const to = u.insn.operands[0]!
    if (to.kind === 'reg' && to.file === file) {
      const value = u.e.let(u.place(1, 'read').get())
      u.system(`mov_to_${file}`, [u.number(0), low(value), high(value)])
      return
    }
    u.fallible(`mov_from_${file}`, [u.number(1)])
    u.place(0, 'write').set(u.field(to.size === 64 ? I64 : I32, S.result))
  }

const smsw: Meaning = (u) => {
  const { size } = u.insn.operands[0]!
  const value = u.field(I32, S.cr0)
  u.place(0, 'write').set(size === 16 ? value.and(0xffff) : sized(value, size))
}

const invlpg: Meaning = (u) => {
  const { segment } = u.insn.operands[0] as MemOperand
  const address = u.address(0)
  u.system('invlpg', [k32(segment), low(address), high(address)])
}

/** Caches are not modelled: only the privilege matters. */
const privileged: Meaning = (u) => {
  raiseUnlessKernel(u)
}

const setPair = (u: Unit, at = S.result): void => {
  u.setReg(0, 32, u.field(I32, at))
  u.setReg(2, 32, u.field(I32, at + 4))
}

const cpuid: Meaning = (u) => {
  u.call('cpuid', [u.reg(0, 32), u.reg(1, 32)])
  ;[0, 3, 1, 2].forEach((register, i) => u.setReg(register, 32, result(u, i)))
}

const rdmsr: Meaning = (u) => {
  u.fallible('rdmsr', [u.reg(1, 32)])
  setPair(u)
}

const rdtsc: Meaning = (u) => {
  u.fallible('rdtsc', [])
  setPair(u)
}

const rdtscp: Meaning = (u) => {
  u.fallible('rdtscp', [])
  setPair(u)
  u.setReg(1, 32, u.field(I32, S.tscAux))
}

// -- ports -------------------------------------------------------------------------------------------------------
const input: Meaning = (u) => {
  const port = portOf(u, 1)
  u.fallible('port_in', [port, k32(u.size)])
  const value = u.field(I32, S.result)
  u.setReg(0, u.size, u.size === 32 ? value : value.zext(u.size))
  u.flags.flush()
  goOn(u)
}

const output: Meaning = (u) => {
  u.fallible('port_out', [portOf(u, 0), k32(u.size), u.reg(0, u.size)])
  u.flags.flush()
  goOn(u)
}

function portOf(u: Unit, i: number): Val {
  const port = u.place(i, 'read').get()
  return u.insn.operands[i]!.kind === 'imm' ? port.and(0xff) : port
}

// -- interrupts --------------------------------------------------------------------------------------------------
const into: Meaning = (u) => {
  const overflow = u.e.flag(u.flags.cond(CC.o))
  u.flags.flush()
  u.e.if(overflow, () => u.system('int_trap', [k32(EXC.OF)]))
}

const undefinedOpcode: Meaning = (u) => u.raise(EXC.UD, -1)

export const SYSTEM_MEANINGS: Meanings = {
  pushf,
  popf,
  cli,
  sti,
  swapgs,
  mov_seg: movSeg,
  push_seg: pushSeg,
  pop_seg: popSeg,
  les: loadFar(0),
  lss: loadFar(2),
  lds: loadFar(3),
  lfs: loadFar(4),
  lgs: loadFar(5),
  jmp_far: farTransfer('jmp_far'),
  call_far: farTransfer('call_far'),
  retf: (u) => {
    const drop = u.insn.operands.length > 0 ? u.place(0, 'read').get().and(0xffff) : k32(0)
    u.system('ret_far', [k32(u.insn.operandSize), drop])
  },
  iret: (u) => u.system('iret', [k32(u.insn.operandSize)]),
  int: (u) => u.system('int_n', [u.place(0, 'read').get().and(0xff)]),
  int3: (u) => u.system('int_trap', [k32(EXC.BP)]),
  int1: (u) => u.system('icebp', []),
  into,
  syscall: (u) => u.system('syscall', []),
  sysret: (u) => u.system('sysret', [k32(u.insn.operandSize)]),
  sysenter: (u) => u.system('sysenter', []),
  sysexit: (u) => u.system('sysexit', [k32(u.insn.operandSize)]),
  rsm: (u) => u.system('rsm', []),
  lgdt: loadTable('lgdt'),
  lidt: loadTable('lidt'),
  sgdt: storeTable(S.gdtBase, S.gdtLimit),
  sidt: storeTable(S.idtBase, S.idtLimit),
  sldt: storeSelector(S.ldtr),
  str: storeSelector(S.tr),
  lldt: loadSelector('lldt'),
  ltr: loadSelector('ltr'),
  verr: verify('verr'),
  verw: verify('verw'),
  lar: inspect('lar'),
  lsl: inspect('lsl'),
  arpl,
  mov_cr: movControl('cr'),
  mov_dr: movControl('dr'),
  smsw,
  lmsw: (u) => u.system('lmsw', [u.place(0, 'read').get()]),
  clts: (u) => u.system('clts', []),
  invlpg,
  wbinvd: privileged,
  invd: privileged,
  cpuid,
  rdmsr,
  wrmsr: (u) => u.system('wrmsr', [u.reg(1, 32), u.reg(0, 32), u.reg(2, 32)]),
  rdtsc,
  rdtscp,
  rdpmc: (u) => u.fallible('rdpmc', []),
  hlt: (u) => u.system('hlt', []),
  monitor: (u) => u.system('monitor', [u.reg(1, 32)]),
  mwait: (u) => u.system('mwait', [u.reg(1, 32)]),
  in: input,
  out: output,
  // CR4.OSXSAVE cannot be set: no model here has XSAVE.
  xgetbv: undefinedOpcode,
  xsetbv: undefinedOpcode,
}
