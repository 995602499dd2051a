/** What a guest's control registers say of the processor it was started on. */
import type { Cpu } from '@godwit/cpu-x86'

/** Feature that a bit needs; '' where this processor has none that would allow it. [SDM vol. 3] 2.5 "Control Registers" */
const CR4: Readonly<Record<number, readonly [bit: string, feature: string]>> = {
  0: ['VME', 'vme'],
  1: ['PVI', 'vme'],
  2: ['TSD', 'tsc'],
  3: ['DE', 'de'],
  4: ['PSE', 'pse'],
  5: ['PAE', 'pae'],
  6: ['MCE', 'mce'],
  7: ['PGE', 'pge'],
  9: ['OSFXSR', 'fxsr'],
  10: ['OSXMMEXCPT', 'sse'],
  11: ['UMIP', 'umip'],
  12: ['LA57', 'la57'],
  13: ['VMXE', 'vmx'],
  14: ['SMXE', 'smx'],
  16: ['FSGSBASE', 'fsgsbase'],
  17: ['PCIDE', 'pcid'],
  18: ['OSXSAVE', 'xsave'],
  20: ['SMEP', 'smep'],
  21: ['SMAP', 'smap'],
  22: ['PKE', 'pku'],
}
/** [APM vol. 2] 3.1.7 "Extended Feature Enable Register" */
const EFER: Readonly<Record<number, readonly [bit: string, feature: string]>> = {
  0: ['SCE', 'syscall'],
  8: ['LME', 'lm'],
  10: ['LMA', 'lm'],
  11: ['NXE', 'nx'],
  12: ['SVME', 'svm'],
  14: ['FFXSR', 'fxsr-opt'],
}

/** Throws a RangeError if the guest uses what the processor here has not: it was started on another model. */
export function checkFeatures(cpu: Cpu): void {
  const { state, model } = cpu
  const check = (register: string, value: number, table: typeof CR4): void => {
    for (const [bit, [name, feature]] of Object.entries(table)) {
      if (((value >>> Number(bit)) & 1) === 0 || model.has(feature)) continue
      throw new RangeError(
        `${register}.${name} is set: the guest was started on a processor with "${feature}", ` +
          `which ${model.name} here has not`,
      )
    }
  }
  check('CR4', state.cr4, CR4)
  check('EFER', state.efer, EFER)
  if (state.xcr0 !== 1n && !model.has('xsave')) {
    throw new RangeError(`XCR0 is 0x${state.xcr0.toString(16)}: ${model.name} here has no "xsave"`)
  }
}
