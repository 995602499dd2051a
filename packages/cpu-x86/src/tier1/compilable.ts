/** Instructions that tier 1 leaves to tier 0: those that repeat, that enter the system, or that are rare and large. */
import type { Insn } from '../decode/insn.ts'

const RARE = new Set([
  ...['ud', 'ud2', 'enter', 'bound', 'into', 'cpuid', 'rdmsr', 'rdpmc', 'in', 'out', 'ins', 'outs'],
  ...['fxsave', 'fxrstor', 'fnsave', 'frstor', 'fnstenv', 'fldenv', 'lar', 'lsl', 'verr', 'verw', 'arpl', 'ldmxcsr'],
  ...['les', 'lss', 'lds', 'lfs', 'lgs', 'sldt', 'str', 'sgdt', 'sidt', 'mov_dr', 'xgetbv', 'xsetbv'],
  ...['pcmpestrm', 'pcmpestri', 'pcmpistrm', 'pcmpistri'],
])

/** Of those that leave in tier 0, what goes on behind itself: nothing that code depends on has changed. */
const GOES_ON = new Set(['cli', 'sti', 'popf', 'swapgs'])
/** The like where it loads ES, DS, FS or GS, as long as that is ordinary: see system/fast-segments.ts. */
const LOADS_SEGMENT = new Set(['mov_seg', 'pop_seg'])

export function goesOn(insn: Insn): boolean {
  if (GOES_ON.has(insn.op)) return true
  const to = insn.operands[0]
  return LOADS_SEGMENT.has(insn.op) && to?.kind === 'reg' && to.file === 'seg' && to.reg !== 1 && to.reg !== 2
}

export const compilable = (insn: Insn): boolean =>
  (insn.flow !== 'leave' || goesOn(insn)) && !(insn.rep !== 0 && REPEATS.has(insn.op)) && !RARE.has(insn.op)

const REPEATS = new Set(['movs', 'stos', 'lods', 'cmps', 'scas'])
