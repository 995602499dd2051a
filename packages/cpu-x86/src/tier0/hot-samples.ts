/** The hot list as instructions. */
import { decode } from '../decode/decode.ts'
import type { Insn } from '../decode/insn.ts'
import { HOT } from './hot.ts'
import type { HotSample } from './handlers.ts'
import { MODES } from './mode.ts'

export function hotSamples(): HotSample[] {
  return HOT.map(([modeKey, hex]) => {
    const mode = MODES[modeKey]!
    const bytes = hex.match(/../g)!.map((h) => parseInt(h, 16))
    const insns: Insn[] = []
    for (let at = 0; at < bytes.length;) {
      const insn = decode((i) => bytes[at + i] ?? 0, mode.code)
      insns.push(insn)
      at += insn.length
    }
    return { mode, insns }
  })
}
