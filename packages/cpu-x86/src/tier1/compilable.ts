/** Instructions that tier 1 leaves to tier 0: those that repeat, that enter the system, or that are rare and large. */
import type { Insn } from '../decode/insn.ts'

const RARE = new Set([
  ...['ud', 'ud2', 'enter', 'bound', 'into', 'cpuid', 'rdtsc', 'rdtscp', 'rdmsr', 'rdpmc', 'in', 'out', 'ins', 'outs'],
  ...['fxsave', 'fxrstor', 'fnsave', 'frstor', 'fnstenv', 'fldenv', 'lar', 'lsl', 'verr', 'verw', 'arpl', 'ldmxcsr'],
  ...['les', 'lss', 'lds', 'lfs', 'lgs', 'sldt', 'str', 'sgdt', 'sidt', 'mov_cr', 'mov_dr', 'xgetbv', 'xsetbv'],
  ...['pcmpestrm', 'pcmpestri', 'pcmpistrm', 'pcmpistri'],
])

export const compilable = (insn: Insn): boolean =>
  insn.flow !== 'leave' && !(insn.rep !== 0 && REPEATS.has(insn.op)) && !RARE.has(insn.op)

const REPEATS = new Set(['movs', 'stos', 'lods', 'cmps', 'scas'])
