/** CPUID feature words and the names of their bits, as QEMU spells them. SDM vol. 2A, CPUID; APM vol. 3, appendix E. */
import { nearest } from '@godwit/bits'

export const WORDS = ['1.edx', '1.ecx', 'x1.edx', 'x1.ecx', '7.ebx'] as const
export type Word = (typeof WORDS)[number]

const list = (text: string): string[] => text.split(' ').map((n) => (n === '.' ? '' : n))

/** Bit 0 first. */
export const FEATURE_NAMES: Readonly<Record<Word, readonly string[]>> = {
  '1.edx': list(
    'fpu vme de pse tsc msr pae mce cx8 apic . sep mtrr pge mca cmov pat pse36 pn clflush . ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe',
  ),
  '1.ecx': list(
    'pni pclmulqdq dtes64 monitor ds-cpl vmx smx est tm2 ssse3 cid . fma cx16 xtpr pdcm . pcid dca sse4.1 sse4.2 x2apic movbe popcnt tsc-deadline aes xsave . avx f16c rdrand hypervisor',
  ),
  'x1.edx': list(
    '. . . . . . . . . . . syscall . . . . . . . mp nx . mmxext . . fxsr-opt pdpe1gb rdtscp . lm 3dnowext 3dnow',
  ),
  'x1.ecx': list(
    'lahf-lm cmp-legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt . lwp fma4 tce . nodeid-msr . tbm topoext perfctr-core perfctr-nb',
  ),
  '7.ebx': list(
    'fsgsbase tsc-adjust sgx bmi1 hle avx2 . smep bmi2 erms invpcid rtm . . mpx . avx512f avx512dq rdseed adx smap',
  ),
}

const ALIASES: Readonly<Record<string, string>> = {
  sse3: 'pni',
  xd: 'nx',
  i64: 'lm',
  ffxsr: 'fxsr-opt',
  pclmuldq: 'pclmulqdq',
}

const table = new Map<string, { readonly word: Word; readonly bit: number }>()
for (const word of WORDS) {
  FEATURE_NAMES[word].forEach((name, bit) => {
    if (name !== '') table.set(name, { word, bit })
  })
}

/** Underscores and hyphens, dots and their absence are one, as for QEMU ("lahf_lm", "sse4_1"). */
export function featureOf(name: string): { readonly word: Word; readonly bit: number } | undefined {
  const plain = name.replaceAll('_', '-').replace(/^sse4-/, 'sse4.')
  return table.get(ALIASES[plain] ?? plain)
}

/** The three features with the nearest names. */
export const nearestFeatures = (name: string): string[] => nearest(name, table.keys())
