/** Instructions as text, in Intel's syntax. */
import { CS, DS, ES, FS, GS, SS, type Insn, type MemOperand, type Operand, type RegOperand, type Size } from './insn.ts'

const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g']
const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di']
const LOW = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil']
const HIGH = ['ah', 'ch', 'dh', 'bh']
const SEGMENTS: Readonly<Record<number, string>> = {
  [ES]: 'es',
  [CS]: 'cs',
  [SS]: 'ss',
  [DS]: 'ds',
  [FS]: 'fs',
  [GS]: 'gs',
}
const POINTERS: Readonly<Record<number, string>> = {
  0: '',
  8: 'BYTE PTR ',
  16: 'WORD PTR ',
  32: 'DWORD PTR ',
  64: 'QWORD PTR ',
  80: 'TBYTE PTR ',
  128: 'XMMWORD PTR ',
}
const SUFFIX: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'd', 64: 'q' }
const EXTENSIONS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  cbw: { 16: 'cbw', 32: 'cwde', 64: 'cdqe' },
  cwd: { 16: 'cwd', 32: 'cdq', 64: 'cqo' },
}
const STRINGS = new Set(['movs', 'cmps', 'scas', 'lods', 'stos', 'ins', 'outs'])
/** Names of ours that the manual spells in one word. */
const SPELLINGS: Readonly<Record<string, string>> = {
  call_indirect: 'call',
  jmp_indirect: 'jmp',
  call_far: 'call far',
  jmp_far: 'jmp far',
  push_seg: 'push',
  pop_seg: 'pop',
  mov_seg: 'mov',
  mov_cr: 'mov',
  mov_dr: 'mov',
}

/** The mnemonic of an instruction. */
export function mnemonic(insn: Insn): string {
  const { op, size, cc } = insn
  if (op === 'jcc') return `j${CONDITIONS[cc]}`
  if (op === 'setcc') return `set${CONDITIONS[cc]}`
  if (op === 'cmov') return `cmov${CONDITIONS[cc]}`
  if (op === 'jcxz') return insn.addressSize === 16 ? 'jcxz' : insn.addressSize === 32 ? 'jecxz' : 'jrcxz'
  if (STRINGS.has(op)) return `${op}${SUFFIX[size]}`
  if (op === 'mov' && insn.operands[1]?.kind === 'imm' && insn.operands[1].size === 64 && insn.length >= 10)
    return 'movabs'
  return EXTENSIONS[op]?.[size] ?? SPELLINGS[op] ?? op
}

/**
 * One instruction as text.
 *
 * @param rip address of the instruction, for the targets of branches; below 2^53
 */
export function disassemble(insn: Insn, rip = 0): string {
  if (insn.op === 'ud') return insn.name === undefined ? '(bad)' : `(bad: ${insn.name})`
  const prefix = `${insn.lock ? 'lock ' : ''}${repeat(insn)}`
  const operands = insn.operands.map((o) => operandText(o))
  if (insn.flow === 'jump' || insn.flow === 'cond' || insn.flow === 'call') {
    operands.push(target(insn, rip))
  } else if (insn.op === 'enter' || insn.op === 'ret' || insn.op === 'retf' || insn.op === 'int') {
    for (const [i, o] of insn.operands.entries()) {
      if (o.kind === 'imm') operands[i] = `0x${(o.low & (o.size === 8 ? 0xff : 0xffff)).toString(16)}`
    }
  } else if (insn.op.endsWith('_far') && insn.operands.length === 2) {
    operands.reverse()
    return `${prefix}${mnemonic(insn)} ${operands.join(':')}`
  }
  return `${prefix}${mnemonic(insn)}${operands.length > 0 ? ` ${operands.join(',')}` : ''}`
}

function repeat(insn: Insn): string {
  if (insn.rep === 0) return ''
  const compares = insn.op === 'cmps' || insn.op === 'scas'
  return insn.rep === 0xf2 ? 'repne ' : compares ? 'repe ' : 'rep '
}

function target(insn: Insn, rip: number): string {
  const to = rip + insn.length + insn.target
  if (insn.codeSize === 16) return `0x${(to & 0xffff).toString(16)}`
  if (insn.codeSize === 32) return `0x${(to >>> 0).toString(16)}`
  return `0x${BigInt.asUintN(64, BigInt(to)).toString(16)}`
}

function operandText(o: Operand): string {
  if (o.kind === 'reg') return register(o)
  if (o.kind === 'imm') {
    const value = (BigInt(o.high) << 32n) | BigInt(o.low >>> 0)
    return `0x${BigInt.asUintN(o.size, value).toString(16)}`
  }
  return memoryText(o)
}

function register(o: RegOperand): string {
  switch (o.file) {
    case 'gpr':
      return general(o.reg, o.size, o.high)
    case 'seg':
      return SEGMENTS[o.reg]!
    case 'cr':
      return `cr${o.reg}`
    case 'dr':
      return `dr${o.reg}`
    case 'st':
      return o.reg === 0 ? 'st' : `st(${o.reg})`
    case 'mmx':
      return `mm${o.reg}`
    case 'xmm':
      return `xmm${o.reg}`
  }
}

function general(reg: number, size: Size, high = false): string {
  if (size === 8) return high ? HIGH[reg]! : (LOW[reg] ?? `r${reg}b`)
  const low = LEGACY[reg]
  if (low === undefined) return `r${reg}${size === 64 ? '' : size === 32 ? 'd' : 'w'}`
  return size === 64 ? `r${low}` : size === 32 ? `e${low}` : low
}

function memoryText(o: MemOperand): string {
  const parts: string[] = []
  if (o.ripRelative) parts.push(o.addressSize === 64 ? 'rip' : 'eip')
  if (o.base >= 0) parts.push(general(o.base, o.addressSize))
  if (o.index >= 0) parts.push(`${general(o.index, o.addressSize)}${o.addressSize === 16 ? '' : `*${1 << o.scale}`}`)
  const usual = o.base === 4 || o.base === 5 ? SS : DS
  const segment = o.segment === usual ? '' : `${SEGMENTS[o.segment]}:`
  const disp = (BigInt(o.dispHigh) << 32n) | BigInt(o.dispLow >>> 0)
  if (parts.length === 0) {
    const bits = o.addressSize === 64 && o.dispHigh === o.dispLow >> 31 ? 64 : o.addressSize
    return `${POINTERS[o.size]}${segment === '' ? 'ds:' : segment}0x${BigInt.asUintN(bits, disp).toString(16)}`
  }
  const tail = disp === 0n ? '' : disp < 0n ? `-0x${(-disp).toString(16)}` : `+0x${disp.toString(16)}`
  return `${POINTERS[o.size]}${segment}[${parts.join('+')}${tail}]`
}
