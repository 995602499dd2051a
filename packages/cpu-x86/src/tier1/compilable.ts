/** Instructions that tier 1 leaves to tier 0: those that repeat, that enter the system, or that are rare and large. */
import type { Insn } from '../decode/insn.ts'

const RARE = new Set([
  ...['ud', 'ud2', 'enter', 'bound', 'into', 'cpuid', 'rdtsc', 'rdtscp', 'rdmsr', 'rdpmc', 'in', 'out', 'ins', 'outs'],
  ...['fxsave', 'fxrstor', 'fnsave', 'frstor', 'fnstenv', 'fldenv', 'lar', 'lsl', 'verr', 'verw', 'arpl', 'ldmxcsr'],
  ...['les', 'lss', 'lds', 'lfs', 'lgs', 'sldt', 'str', 'sgdt', 'sidt', 'mov_cr', 'mov_dr', 'xgetbv', 'xsetbv'],
  ...['pcmpestrm', 'pcmpestri', 'pcmpistrm', 'pcmpistri'],
])

/** Of those that leave in tier 0, what goes on behind itself: nothing that code depends on has changed. */
const GOES_ON = new Set(['cli', 'sti', 'popf', 'swapgs'])

export const goesOn = (insn: Insn): boolean => GOES_ON.has(insn.op)

export const compilable = (insn: Insn): boolean =>
  (insn.flow !== 'leave' || goesOn(insn)) && !(insn.rep !== 0 && REPEATS.has(insn.op)) && !RARE.has(insn.op)

const REPEATS = new Set(['movs', 'stos', 'lods', 'cmps', 'scas'])
