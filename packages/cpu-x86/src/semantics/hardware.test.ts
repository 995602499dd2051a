import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import { disassemble } from '../decode/disassemble.ts'
import type { CodeSize, Insn } from '../decode/insn.ts'
import { EXC, S } from '../state.ts'
import { INTEGER_FUNCTIONS, INTEGER_MEANINGS } from './index.ts'
import { Machine } from './testing.ts'

/** Made by oracle/oracle.c on an AMD processor: see there. */
const VECTORS = gunzipSync(readFileSync(new URL('hardware.fixture.txt.gz', import.meta.url))).toString()

const CODE = 0x1a7b_3000
const DATA = 0x1b9c_5000
/** Of 16-bit code, which runs at offset 0 of its segment. */
const DATA16 = 0x8000
const LENGTH = 0x4000
const IMAGE = Uint8Array.from({ length: LENGTH }, (_, i) => 7 * i + (i >> 8))
const [CF, PF, AF, ZF, SF, OF] = [1, 4, 0x10, 0x40, 0x80, 0x800]
const ALL = CF | PF | AF | ZF | SF | OF | 0x400

/** Flags that the manual leaves undefined, and that are not the same on all processors. */
function undefinedFlags(insn: Insn, count: number): number {
  const masked = count & (insn.size === 64 ? 63 : 31)
  switch (insn.op) {
    case 'shl':
    case 'shr':
    case 'sar':
      return masked === 0 ? 0 : AF | (masked > 1 ? OF : 0) | (masked > insn.size ? CF : 0)
    case 'shld':
    case 'shrd':
      return masked === 0 ? 0 : AF | (masked > 1 ? OF : 0) | (masked > insn.size ? CF : 0)
    case 'rol':
    case 'ror':
    case 'rcl':
    case 'rcr':
      return masked > 1 ? OF : 0
    case 'mul':
    case 'imul':
      return SF | ZF | AF | PF
    case 'div':
    case 'idiv':
      return CF | PF | AF | ZF | SF | OF
    case 'bsf':
    case 'bsr':
      return CF | PF | AF | SF | OF
    case 'tzcnt':
    case 'lzcnt':
      return PF | AF | SF | OF
    case 'aaa':
    case 'aas':
      return PF | ZF | SF | OF
    case 'daa':
    case 'das':
      return OF
    case 'aam':
    case 'aad':
      return CF | AF | OF
    default:
      return 0
  }
}

/** The sixteen conditions, as a mask. SDM vol. 1, appendix B. */
function conditionsOf(flags: number): number {
  const has = (f: number): boolean => (flags & f) !== 0
  const less = has(SF) !== has(OF)
  const even = [has(OF), has(CF), has(ZF), has(CF) || has(ZF), has(SF), has(PF), less, less || has(ZF)]
  return even.reduce((mask, yes, i) => mask | ((yes ? 1 : 2) << (2 * i)), 0)
}

interface Vector {
  readonly mode: CodeSize
  readonly bytes: Buffer
  readonly gpr: readonly bigint[]
  readonly flags: number
  readonly trap: number
  readonly rip: bigint
  readonly flagsAfter: number
  readonly changes: readonly string[]
}

function parse(line: string): Vector {
  const words = line.split(' ')
  const mode = Number(words[0]) as CodeSize
  const end = mode === 64 ? 18 : 10
  const big = (w: string): bigint => BigInt(`0x${w}`)
  return {
    mode,
    bytes: Buffer.from(words[1]!, 'hex'),
    gpr: words.slice(2, end).map(big),
    flags: parseInt(words[end]!, 16),
    trap: Number(words[end + 1]),
    rip: words[end + 2] === undefined ? 0n : BigInt.asUintN(64, big(words[end + 2]!) + BigInt(mode === 16 ? 0 : CODE)),
    flagsAfter: parseInt(words[end + 3] ?? '0', 16),
    changes: words.slice(end + 4),
  }
}

/** What differs from the hardware, as text; empty if nothing does. */
function check(machine: Machine, v: Vector): string {
  const insn = decode((i) => v.bytes[i] ?? 0x90, v.mode)
  if (insn.op === 'ud') return v.trap === 6 ? '' : `decodes as undefined (${insn.name}), hardware traps with ${v.trap}`
  const meaning = INTEGER_MEANINGS[insn.op]
  // Recorded by chance: what needs more than this machine, and near branches that 66 shortens on AMD but not on Intel.
  if (meaning === undefined || (v.mode === 64 && insn.operandSize === 16 && insn.flow !== 'next')) return ''
  const { window } = machine
  machine.bytes.set(IMAGE, window.host)
  v.gpr.forEach((value, i) => machine.setGpr(i, value))
  machine.flags = v.flags
  const before = machine.flags
  const count = Number(machine.gpr(1) & 0xffn)
  const fault = machine.run(meaning, insn, v.mode, v.mode === 16 ? 0 : CODE)
  const problems: string[] = []
  const expected = [...v.gpr]
  const image = Uint8Array.from(IMAGE)
  if (fault !== (v.trap !== 1)) problems.push(fault ? 'faults' : `does not fault with ${v.trap}`)
  else if (fault) {
    const vector = machine.view.getInt32(S.vector, true)
    if (vector !== v.trap) problems.push(`raises ${vector}, not ${v.trap}`)
    if (v.trap === EXC.PF && machine.flags !== before) problems.push('changes flags and faults')
  } else {
    for (const change of v.changes) {
      const [place, value] = change.slice(1).split('=')
      if (change.startsWith('r')) expected[Number(place)] = BigInt(`0x${value}`)
      else image[parseInt(place!, 16)] = parseInt(value!, 16)
    }
    if (machine.rip !== v.rip) problems.push(`rip ${machine.rip.toString(16)}, not ${v.rip.toString(16)}`)
    const last = insn.operands.at(-1)
    const shift = last?.kind === 'imm' ? last.low : count
    const differing = (machine.flags ^ v.flagsAfter) & ALL & ~undefinedFlags(insn, shift)
    if (machine.conditions !== undefined && machine.conditions !== conditionsOf(machine.flags))
      problems.push(`conditions ${machine.conditions.toString(2)}, not ${conditionsOf(machine.flags).toString(2)}`)
    if (differing !== 0)
      problems.push(
        `flags ${machine.flags.toString(16)}, not ${v.flagsAfter.toString(16)}, from ${v.flags.toString(16)}`,
      )
  }
  expected.forEach((value, i) => {
    if (machine.gpr(i) !== value) problems.push(`r${i} ${machine.gpr(i).toString(16)}, not ${value.toString(16)}`)
  })
  // ENTER has written below the stack pointer when it faults in the middle.
  for (let i = 0; i < LENGTH && !(fault && insn.op === 'enter'); i++) {
    if (machine.bytes[window.host + i] !== image[i]) problems.push(`byte at ${i.toString(16)}`)
  }
  return problems.length === 0 ? '' : `${insn.op}.${insn.size} ${disassemble(insn)}: ${problems.slice(0, 4).join('; ')}`
}

test('every recorded instruction does what the processor did', () => {
  const flat = new Machine(INTEGER_FUNCTIONS, DATA, LENGTH)
  const low = new Machine(INTEGER_FUNCTIONS, DATA16, LENGTH)
  const wrong: string[] = []
  let count = 0
  let pending = 0
  for (const line of VECTORS.trim().split('\n')) {
    const v = parse(line)
    const result = check(v.mode === 16 ? low : flat, v)
    if (result !== '') wrong.push(`${v.mode} ${v.bytes.toString('hex')} ${result}`)
    count++
    if (flat.conditions !== undefined) pending++
  }
  expect(wrong).toEqual([])
  expect(count).toBeGreaterThan(9000)
  expect(pending).toBeGreaterThan(2000)
})
