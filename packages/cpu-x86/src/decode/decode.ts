/**
 * Bytes to Insn. Hot: a booting kernel decodes some hundred thousand instructions, so the state of the one decoding
 * that is going on lives in module variables, and 64-bit immediates in two halves.
 */
import { EXC } from '../state.ts'
import { GuestFault } from '../cpu.ts'
import {
  DS,
  FS,
  GS,
  MAX_LENGTH,
  SS,
  type AddressSize,
  type CodeSize,
  type Fetch,
  type ImmOperand,
  type Insn,
  type MemOperand,
  type Operand,
  type RegFile,
  type RegOperand,
  type Size,
} from './insn.ts'
import { KIND, SIZE_MODE, SIZE_V, SIZE_Y, SIZE_Z, type Letter, type Row, type SizeRule } from './rows.ts'
import { choice, entryOf } from './tables.ts'

const NO_OPERANDS: readonly Operand[] = []
const NO_BYTES: Uint8Array<ArrayBufferLike> = new Uint8Array()

/** Bytes that are at hand: the instruction's begin at `from`, and those from `end` on are fetched. */
let source: Uint8Array = NO_BYTES
let from = 0
let end = 0
let fetch: Fetch = () => 0
let at = 0
let code: CodeSize = 64
let rex = 0
/** Number of the segment override, or -1. */
let override = -1
let opsize: 16 | 32 | 64 = 32
let addressSize: AddressSize = 64
/** Size of the letter v in the row at hand. */
let vSize: 16 | 32 | 64 = 32
let modrm = -1
let target = 0
let bad = false

function byte(): number {
  if (at >= MAX_LENGTH) throw new GuestFault(EXC.GP, 0)
  const i = at++
  return from + i < end ? source[from + i]! : fetch(i)
}

const int8 = (): number => (byte() << 24) >> 24
const int16 = (): number => ((byte() | (byte() << 8)) << 16) >> 16
const int32 = (): number => byte() | (byte() << 8) | (byte() << 16) | (byte() << 24)

/**
 * Decodes one instruction. What the processor does not know comes back as "ud", with its name where there is one.
 *
 * @param absent names of instructions that this processor model does not have: tzcnt, lzcnt and pause then lose their
 *   prefix, as on old processors, everything else is "ud"
 * @throws GuestFault #GP(0) for more than 15 bytes; and whatever `beyond` throws
 */
export function decode(beyond: Fetch, codeSize: CodeSize, absent?: ReadonlySet<string>): Insn {
  return decodeAt(NO_BYTES, 0, 0, beyond, codeSize, absent)
}

/** The same for an instruction whose bytes are at hand from `start` up to `limit`; beyond that they are fetched. */
export function decodeAt(
  bytes: Uint8Array<ArrayBufferLike>,
  start: number,
  limit: number,
  beyond: Fetch,
  codeSize: CodeSize,
  absent?: ReadonlySet<string>,
): Insn {
  source = bytes
  from = start
  end = limit
  fetch = beyond
  at = 0
  code = codeSize
  rex = 0
  override = -1
  modrm = -1
  target = 0
  bad = false
  let p66 = false
  let p67 = false
  let lock = false
  let repeat = 0
  let opcode = byte()
  for (; ; opcode = byte()) {
    if (opcode === 0x66) p66 = true
    else if (opcode === 0x67) p67 = true
    else if (opcode === 0xf0) lock = true
    else if (opcode === 0xf2 || opcode === 0xf3) repeat = opcode
    else if ((opcode & 0xe7) === 0x26) {
      if (codeSize !== 64) override = (opcode >> 3) & 3
    } else if (opcode === 0x64) override = FS
    else if (opcode === 0x65) override = GS
    else if (codeSize === 64 && (opcode & 0xf0) === 0x40) {
      rex = opcode
      continue
    } else break
    rex = 0 // only directly before the opcode
  }

  const small = (codeSize === 16) !== p66 ? 16 : 32
  opsize = codeSize === 64 ? ((rex & 8) !== 0 ? 64 : p66 ? 16 : 32) : small
  addressSize = codeSize === 64 ? (p67 ? 32 : 64) : (codeSize === 16) !== p67 ? 16 : 32

  let map = 0
  if (opcode === 0x0f) {
    map = 1
    opcode = byte()
    if (opcode === 0x38 || opcode === 0x3a) {
      map = opcode === 0x38 ? 2 : 3
      opcode = byte()
    }
  }
  const entry = entryOf(map * 256 + opcode)
  let row: Row | undefined
  if (entry !== undefined) {
    if (entry.modrm) modrm = byte()
    const prefix = repeat === 0 ? (p66 ? 1 : 0) : repeat === 0xf3 ? 2 : 3
    row = entry.only ?? entry.rows[choice(codeSize === 64, prefix, modrm < 0 ? 0 : modrm)]
  }
  if (row === undefined) return unknown(map, opcode, lock)

  const stack = codeSize === 64 ? (row.wide64 !== 2 && opsize === 16 ? 16 : 64) : opsize
  vSize = row.wide64 === 0 ? opsize : stack
  const { letters } = row
  let operands = NO_OPERANDS
  if (letters.length === 1) operands = [operand(letters[0]!)]
  else if (letters.length > 1) {
    const list: Operand[] = []
    for (const l of letters) if (l.kind !== KIND.J) list.push(operand(l))
    operands = list
  }
  if (letters.length === 1 && letters[0]!.kind === KIND.J) operands = NO_OPERANDS
  if (letters.length === 1 && letters[0]!.kind === KIND.A) operands = [operands[0]!, selector()]

  let name = (rex & 8) !== 0 ? row.wideName : row.name
  if (opcode === 0x90 && map === 0 && (rex & 1) === 0) {
    name = repeat === 0xf3 ? 'pause' : 'nop'
    operands = NO_OPERANDS
  } else if (row.name === 'nop') operands = NO_OPERANDS
  const first = operands[0]
  if (lock && !(row.lock && first !== undefined && first.kind === 'mem')) bad = true
  if (absent !== undefined && absent.has(name)) {
    if (name === 'tzcnt') name = 'bsf'
    else if (name === 'lzcnt') name = 'bsr'
    else if (name === 'pause') name = 'nop'
    else bad = true
  }
  if (bad || row.ud) return ud(name, lock)
  return {
    op: name,
    size: resolve(row.size),
    operands,
    cc: row.cc,
    length: at,
    flow: row.flow,
    target,
    rep: row.repeats ? repeat : 0,
    lock,
    addressSize,
    segment: override,
    operandSize: opsize,
    codeSize: stack,
  }
}

function ud(name: string, lock: boolean): Insn {
  return {
    op: 'ud',
    name,
    size: 0,
    operands: NO_OPERANDS,
    cc: -1,
    length: at,
    flow: 'leave',
    target: 0,
    rep: 0,
    lock,
    addressSize,
    segment: override,
    operandSize: opsize,
    codeSize: code,
  }
}

function unknown(map: number, opcode: number, lock: boolean): Insn {
  if (map === 0 && (opcode === 0xc4 || opcode === 0xc5)) return ud('vex', lock)
  if (map === 0 && opcode === 0x62) return ud('evex', lock)
  return ud(`${['', '0f', '0f38', '0f3a'][map]}${opcode.toString(16).padStart(2, '0')}`, lock)
}

function resolve(rule: SizeRule): Size {
  if (rule >= 0) return rule as Size
  switch (rule) {
    case SIZE_V:
      return vSize
    case SIZE_Y:
      return (rex & 8) !== 0 ? 64 : 32
    case SIZE_Z:
      return vSize === 16 ? 16 : 32
    case SIZE_MODE:
      return code === 64 ? 64 : 32
    default:
      return (rex & 8) !== 0 ? 128 : 64
  }
}

function operand(l: Letter): Operand {
  switch (l.kind) {
    case KIND.E:
      return modrm >= 0xc0 ? general(modrm & 7, (rex & 1) << 3, resolve(l.regSize)) : memory(resolve(l.memSize))
    case KIND.G:
      return general((modrm >> 3) & 7, (rex & 4) << 1, resolve(l.regSize))
    case KIND.I:
      return immediate(resolve(l.regSize), l.regSize)
    case KIND.B:
      return imm(int8(), resolve(l.regSize))
    case KIND.J:
      target = l.regSize === 8 ? int8() : code !== 64 && opsize === 16 ? int16() : int32()
      return NOTHING
    case KIND.M:
      if (modrm >= 0xc0) bad = true
      return modrm >= 0xc0 ? NOTHING : memory(resolve(l.memSize))
    case KIND.R:
      return general(modrm & 7, (rex & 1) << 3, resolve(l.regSize))
    case KIND.O:
      return absolute(resolve(l.memSize))
    case KIND.Z:
      return general(opcodeLow(), (rex & 1) << 3, resolve(l.regSize))
    case KIND.S:
    case KIND.C:
    case KIND.D:
      return special(l.kind)
    case KIND.A:
      return resolve(l.regSize) === 16 ? imm(int16(), 16) : imm(int32(), 32)
    case KIND.P:
      return reg('mmx', (modrm >> 3) & 7, 64)
    case KIND.Q:
      return modrm >= 0xc0 ? reg('mmx', modrm & 7, 64) : memory(resolve(l.memSize))
    case KIND.N:
      return reg('mmx', modrm & 7, 64)
    case KIND.V:
      return reg('xmm', ((modrm >> 3) & 7) | ((rex & 4) << 1), 128)
    case KIND.W:
      return modrm >= 0xc0 ? reg('xmm', (modrm & 7) | ((rex & 1) << 3), 128) : memory(resolve(l.memSize))
    case KIND.U:
      return reg('xmm', (modrm & 7) | ((rex & 1) << 3), 128)
    case KIND.T0:
      return reg('st', 0, 80)
    case KIND.Ti:
      return reg('st', modrm & 7, 80)
    case KIND.one:
      return imm(1, 8)
    case KIND.gpr:
      return reg('gpr', l.reg, resolve(l.regSize))
    case KIND.seg:
      return reg('seg', l.reg, 16)
    default:
      return reg('xmm', 0, 128)
  }
}

/** The register in the low bits of the opcode, which is the last byte that was read. */
function opcodeLow(): number {
  at--
  return byte() & 7
}

const imm = (low: number, size: Size): ImmOperand => ({ kind: 'imm', low, high: low >> 31, size })
const reg = (file: RegFile, number: number, size: Size): RegOperand => ({
  kind: 'reg',
  file,
  reg: number,
  high: false,
  size,
})
const NOTHING: Operand = imm(0, 0)
const selector = (): Operand => imm(int16(), 16)

function general(low: number, extension: number, size: Size): RegOperand {
  if (size === 8 && rex === 0 && low >= 4) return { kind: 'reg', file: 'gpr', reg: low - 4, high: true, size }
  return { kind: 'reg', file: 'gpr', reg: low | extension, high: false, size }
}

function special(kind: number): RegOperand {
  const low = (modrm >> 3) & 7
  const wide = low | ((rex & 4) << 1)
  if (kind === KIND.S) {
    // MOV to CS does not exist. Only the low three bits count.
    if (low > 5) bad = true
    return reg('seg', low, 16)
  }
  const size = code === 64 ? 64 : 32
  if (kind === KIND.C) {
    if (wide !== 0 && wide !== 2 && wide !== 3 && wide !== 4 && wide !== 8) bad = true
    return reg('cr', wide, size)
  }
  if (wide > 7) bad = true
  return reg('dr', wide, size)
}

function immediate(size: Size, rule: SizeRule): ImmOperand {
  if (rule === SIZE_Z) return vSize === 16 ? imm(int16(), 16) : imm(int32(), vSize)
  switch (size) {
    case 8:
      return imm(int8(), 8)
    case 16:
      return imm(int16(), 16)
    case 64:
      if (rule === SIZE_V) return { kind: 'imm', low: int32(), high: int32(), size }
      return imm(int32(), size)
    default:
      return imm(int32(), size)
  }
}

function absolute(size: Size): MemOperand {
  const low = addressSize === 16 ? int16() & 0xffff : int32()
  const high = addressSize === 64 ? int32() : low >> 31
  return mem(-1, -1, 0, low, high, false, DS, size)
}

function mem(
  base: number,
  index: number,
  scale: number,
  dispLow: number,
  dispHigh: number,
  ripRelative: boolean,
  segment: number,
  size: Size,
): MemOperand {
  if (override >= 0) segment = override
  return { kind: 'mem', base, index, scale, dispLow, dispHigh, ripRelative, segment, addressSize, size }
}

function memory(size: Size): MemOperand {
  return addressSize === 16 ? memory16(size) : memory32(size)
}

const BASE16 = [3, 3, 5, 5, 6, 7, 5, 3]
const INDEX16 = [6, 7, 6, 7, -1, -1, -1, -1]

function memory16(size: Size): MemOperand {
  const mod = modrm >> 6
  const rm = modrm & 7
  if (mod === 0 && rm === 6) return mem(-1, -1, 0, int16(), 0, false, DS, size)
  const disp = mod === 1 ? int8() : mod === 2 ? int16() : 0
  const base = BASE16[rm]!
  return mem(base, INDEX16[rm]!, 0, disp, disp >> 31, false, base === 5 ? SS : DS, size)
}

function memory32(size: Size): MemOperand {
  const mod = modrm >> 6
  let base = modrm & 7
  let index = -1
  let scale = 0
  if (base === 4) {
    const sib = byte()
    scale = sib >> 6
    index = ((sib >> 3) & 7) | ((rex & 2) << 2)
    if (index === 4) index = -1
    base = sib & 7
    if (base === 5 && mod === 0) {
      const disp = int32()
      return mem(-1, index, scale, disp, disp >> 31, false, DS, size)
    }
  } else if (base === 5 && mod === 0) {
    const disp = int32()
    return mem(-1, -1, 0, disp, disp >> 31, code === 64, DS, size)
  }
  base |= (rex & 1) << 3
  const disp = mod === 1 ? int8() : mod === 2 ? int32() : 0
  return mem(base, index, scale, disp, disp >> 31, false, base === 4 || base === 5 ? SS : DS, size)
}
