/** The lists of handlers as instructions. */
import { decode } from '../decode/decode.ts'
import type { Insn } from '../decode/insn.ts'
import { COLD } from './cold.ts'
import { HOT } from './hot.ts'
import type { HotSample } from './handlers.ts'
import { MODES, type Mode } from './mode.ts'

export const hotSamples = (): HotSample[] =>
  HOT.map(([key, hex]) => ({ mode: MODES[key]!, insns: decoded(hex, MODES[key]!) }))

/** Instructions whose handlers a guest in this mode will want, as far as one can tell. */
export const coldSamples = (mode: Mode): Insn[] =>
  (COLD[mode.key] ?? '').split(/\s+/).flatMap((hex) => (hex === '' ? [] : decoded(hex, mode)))

function decoded(hex: string, mode: Mode): Insn[] {
  const bytes = hex.match(/../g)!.map((h) => parseInt(h, 16))
  const insns: Insn[] = []
  for (let at = 0; at < bytes.length;) {
    const insn = decode((i) => bytes[at + i] ?? 0, mode.code)
    insns.push(insn)
    at += insn.length
  }
  return insns
}
