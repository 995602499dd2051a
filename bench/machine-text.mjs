/** A stopped machine as text: registers, and the code it is about to execute. Nothing in it changes. */
import { decode } from '../packages/cpu-x86/dist/decode/decode.js'
import { disassemble } from '../packages/cpu-x86/dist/decode/disassemble.js'
import { S } from '../packages/cpu-x86/dist/index.js'

const NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi']
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr']
const LONG = 1 << 10
const PAE = 1 << 5
const PSE = 1 << 4
const PAGING = 1 << 31
const LARGE = 0x80

const hex = (n) => BigInt.asUintN(64, BigInt(n)).toString(16)

/** @returns {Map<string, string>} values of registers by name */
export function registersOf({ processor: { state } }) {
  const rows = new Map()
  for (let n = 0; n < 16; n++) rows.set(NAMES[n] ?? `r${n}`, hex(state.gpr(n)))
  rows.set('rip', hex(state.rip))
  rows.set('eflags', hex(state.eflags))
  for (const [i, name] of SEGMENTS.entries()) {
    const [selector, flags] = [state.selector(i) & 0xffff, state.segFlags(i) >>> 0].map(hex)
    rows.set(name, `${selector} base ${hex(state.segBase(i))} limit ${hex(state.segLimit(i))} flags ${flags}`)
  }
  for (const name of ['cr0', 'cr2', 'cr3', 'cr4', 'efer']) rows.set(name, hex(state.big(S[name])))
  rows.set('cpl', hex(state.cpl))
  for (let n = 0; n < 8; n++)
    rows.set(`fpr${n}`, `${hex(state.big(S.fpr + 16 * n + 8))}:${hex(state.big(S.fpr + 16 * n))}`)
  rows.set('fpu', [S.fpuControl, S.fpuStatus, S.fpuTop].map((at) => hex(state.word(at))).join(' '))
  for (let n = 0; n < 16; n++)
    rows.set(`xmm${n}`, `${hex(state.big(S.xmm + 16 * n + 8))}:${hex(state.big(S.xmm + 16 * n))}`)
  rows.set('mxcsr', hex(state.word(S.mxcsr)))
  for (const name of ['halted', 'shadow', 'pending']) rows.set(name, hex(state.word(S[name])))
  return rows
}

/**
 * The instruction at RIP: address, bytes in hex and text. Whatever cannot be read is said instead of the text.
 * @returns {{ rip: number, code: string, text: string }}
 */
export function instructionOf({ processor: { state }, memory }) {
  const { rip, codeSize } = state
  const from = codeSize === 64 ? rip : (rip + state.segBase(1)) >>> 0
  const bytes = []
  try {
    const insn = decode((i) => (bytes[i] = memory.read(physical(state, memory, from + i), 1)), codeSize)
    const code = bytes.slice(0, insn.length).map((b) => b.toString(16).padStart(2, '0'))
    return { rip, code: code.join(''), text: disassemble(insn, rip) }
  } catch (thrown) {
    return { rip, code: '', text: `(${thrown instanceof Error ? thrown.message : thrown})` }
  }
}

export const lineOf = ({ rip, code, text }) => `${hex(rip).padStart(16)}  ${code.padEnd(22)} ${text}`

/** Guest physical address of a linear one. Marks nothing as accessed. SDM vol. 3A, 4.3 to 4.5. */
function physical(state, memory, linear) {
  if ((state.cr0 & PAGING) === 0) return linear
  const wide = (state.cr4 & PAE) !== 0
  const long = (state.efer & LONG) !== 0
  const levels = long ? 4 : wide ? 3 : 2
  const bits = wide ? 9 : 10
  const entryBytes = wide ? 8 : 4
  const frame = (low, high) => (high & 0xf_ffff) * 2 ** 32 + ((low & 0xffff_f000) >>> 0)
  // the four entries of PAE without long mode need not start on a page
  let table = long || !wide ? frame(state.low(S.cr3), long ? state.high(S.cr3) : 0) : state.word(S.cr3) & ~31
  const address = BigInt.asUintN(64, BigInt(linear))
  for (let level = levels - 1; level >= 0; level--) {
    const shift = 12 + bits * level
    const index = Number((address >> BigInt(shift)) & BigInt(2 ** bits - 1))
    const at = table + index * entryBytes
    const low = memory.read(at, 4)
    const high = wide ? memory.read(at + 4, 4) : 0
    if ((low & 1) === 0) throw new Error(`no page at ${hex(linear)}`)
    table = frame(low, high)
    const large = (low & LARGE) !== 0 && level > 0 && level < 3 && (wide || (state.cr4 & PSE) !== 0)
    if (!large && level > 0) continue
    const size = 2 ** (large ? shift : 12)
    return table - (table % size) + Number(address & BigInt(size - 1))
  }
  throw new Error('no page')
}
