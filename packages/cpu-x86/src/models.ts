/**
 * Processor models by QEMU's names, as the newest machine version gives them to a TCG guest: features that TCG lacks
 * are not in the words, and what this processor does not do is filtered in one place. Older machine versions change a
 * model by compat properties.
 */
import { FEATURE_NAMES, featureOf, nearestFeatures, WORDS, type Word } from './features.ts'

export type FeatureWords = Readonly<Record<Word, number>>

interface ModelData {
  readonly vendor: string
  family: number
  model: number
  stepping: number
  readonly level: number
  readonly xlevel: number
  id: string
  readonly words: Partial<FeatureWords>
}

const INTEL = 'GenuineIntel'
const AMD = 'AuthenticAMD'
const TCG_ID = 'QEMU Virtual CPU version 2.5+'

/** Words 1.EDX, 1.ECX, 80000001.EDX (without AMD's copies of 1.EDX), 80000001.ECX. */
const words = (edx: number, ecx = 0, xedx = 0, xecx = 0): Partial<FeatureWords> => ({
  '1.edx': edx,
  '1.ecx': ecx,
  'x1.edx': xedx,
  'x1.ecx': xecx,
})
const data = (
  vendor: string,
  [family, model, stepping]: readonly [number, number, number],
  [level, xlevel]: readonly [number, number],
  id: string,
  w: Partial<FeatureWords>,
): ModelData => ({ vendor, family, model, stepping, level, xlevel, id, words: w })

const HYPERVISOR = 0x8000_0000

export const MODELS: Readonly<Record<string, ModelData>> = {
  base: data('', [0, 0, 0], [0, 0], '', words(0)),
  486: data(INTEL, [4, 8, 0], [1, 0], '', words(0x9, HYPERVISOR)),
  pentium: data(INTEL, [5, 4, 3], [1, 0], '', words(0x0080_03bd, HYPERVISOR)),
  pentium2: data(INTEL, [6, 5, 2], [2, 0], '', words(0x0183_fbfd, HYPERVISOR)),
  pentium3: data(INTEL, [6, 7, 3], [3, 0], '', words(0x0383_fbfd, HYPERVISOR)),
  qemu32: data(INTEL, [6, 6, 3], [4, 0x8000_0004], TCG_ID, words(0x0781_abfd, 0x8000_0001)),
  qemu64: data(AMD, [15, 107, 1], [13, 0x8000_000a], TCG_ID, words(0x078b_fbfd, 0x8000_2001, 0x2010_0800, 5)),
  kvm64: data(
    INTEL,
    [15, 6, 1],
    [13, 0x8000_0008],
    'Common KVM processor',
    words(0x078b_fbfd, 0x8000_2001, 0x2010_0800),
  ),
  core2duo: data(
    INTEL,
    [6, 15, 11],
    [10, 0x8000_0008],
    'Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz',
    words(0x0fcb_fbfd, 0x8000_2209, 0x2010_0800, 1),
  ),
  coreduo: data(
    INTEL,
    [6, 14, 8],
    [10, 0x8000_0008],
    'Genuine Intel(R) CPU           T2600  @ 2.16GHz',
    words(0x0fc9_fbfd, 0x8000_0009, 0x0010_0000),
  ),
  n270: data(
    INTEL,
    [6, 28, 2],
    [10, 0x8000_0008],
    'Intel(R) Atom(TM) CPU N270   @ 1.60GHz',
    words(0x0fc9_fbfd, 0x8040_0209, 0x0010_0000, 1),
  ),
  Opteron_G1: data(
    AMD,
    [15, 6, 1],
    [5, 0x8000_0008],
    'AMD Opteron 240 (Gen 1 Class Opteron)',
    words(0x078b_fbfd, 0x8000_0001, 0x2010_0800),
  ),
}

/** 80000001.EDX repeats these bits of 1.EDX on AMD's processors. APM vol. 3, E.4.2. */
const AMD_COPIES = 0x0183_f3ff

/**
 * What works here; everything else a model would have is masked. Nested virtualisation (svm, vmx), debug store,
 * virtual-8086 extensions and whatever the instruction families lack are the ones that people will miss.
 */
export const IMPLEMENTED: FeatureWords = {
  // fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush acpi mmx fxsr sse sse2 ss
  '1.edx': 0x0fcb_fbfd,
  // pni monitor ssse3 cx16 sse4.1 sse4.2 movbe popcnt hypervisor
  '1.ecx': 0x80d8_2209,
  // syscall mp nx pdpe1gb rdtscp lm, and AMD's copies
  'x1.edx': 0x2c18_0800 | AMD_COPIES,
  // lahf-lm abm 3dnowprefetch
  'x1.ecx': 0x121,
  // smep erms
  '7.ebx': 0x280,
}

/** Names of the features that a model can have here. */
export const FEATURES_HERE: readonly string[] = WORDS.flatMap((word) =>
  FEATURE_NAMES[word].filter((name, bit) => name !== '' && ((IMPLEMENTED[word] >>> bit) & 1) === 1),
)

/** What machine versions switch besides features; all on in the newest. */
export interface CpuQuirks {
  /** The third-level cache is told. */
  readonly l3: boolean
  /** Leaf 0xb is there. */
  readonly leafB: boolean
  /** The hypervisor leaf has TCG's name. */
  readonly tcgLeaf: boolean
  /** Features beyond a model's highest leaf raise it. */
  readonly autoLevel: boolean
  /** The stream has the count of SMIs. */
  readonly sendsSmiCount: boolean
}

const QUIRKS: Readonly<Record<string, keyof CpuQuirks>> = {
  'l3-cache': 'l3',
  'cpuid-0xb': 'leafB',
  'tcg-cpuid': 'tcgLeaf',
  'full-cpuid-auto-level': 'autoLevel',
  'x-migrate-smi-count': 'sendsSmiCount',
}
const NEWEST = Object.fromEntries(Object.values(QUIRKS).map((q) => [q, true])) as unknown as CpuQuirks
const NUMBERS = ['family', 'model', 'stepping'] as const

export class CpuModel {
  readonly name: string
  readonly vendor: string
  readonly level: number
  readonly xlevel: number
  readonly modelId: string
  /** CPUID 1.EAX, and EDX at reset. */
  readonly signature: number
  readonly words: FeatureWords
  /** Features that were asked for and are not here. */
  readonly filtered: readonly string[]
  /** Bits of a physical address. */
  readonly physBits: number
  /** Rate of the TSC in Hz, if it was asked for. */
  readonly tscHz: number | undefined
  readonly quirks: CpuQuirks

  constructor(name: string, d: ModelData, wanted: FeatureWords, tscHz?: number, quirks: CpuQuirks = NEWEST) {
    const all = { ...wanted }
    if (d.vendor === AMD) all['x1.edx'] = (all['x1.edx'] & ~AMD_COPIES) | (all['1.edx'] & AMD_COPIES)
    const kept = {} as Record<Word, number>
    const filtered: string[] = []
    for (const word of WORDS) {
      kept[word] = (all[word] & IMPLEMENTED[word]) >>> 0
      const missing = all[word] & ~IMPLEMENTED[word]
      FEATURE_NAMES[word].forEach((n, bit) => {
        if (n !== '' && ((missing >>> bit) & 1) === 1) filtered.push(n)
      })
    }
    this.name = name
    this.tscHz = tscHz
    this.vendor = d.vendor
    this.modelId = d.id
    this.words = kept
    this.filtered = filtered
    this.quirks = quirks
    this.level = Math.max(d.level, quirks.autoLevel && kept['7.ebx'] !== 0 ? 7 : 0)
    // A model without 64-bit features may still be given them (`base,+lm`): then the leaf that holds them must exist.
    const extended = quirks.autoLevel && (kept['x1.edx'] !== 0 || kept['x1.ecx'] !== 0)
    this.xlevel = Math.max(d.xlevel, extended ? (this.has('lm') ? 0x8000_0008 : 0x8000_0001) : 0)
    const bigFamily = d.family > 15 ? d.family - 15 : 0
    this.signature =
      ((bigFamily << 20) |
        ((d.model >> 4) << 16) |
        (Math.min(d.family, 15) << 8) |
        ((d.model & 15) << 4) |
        d.stepping) >>>
      0
    this.physBits = this.has('lm') ? 40 : this.has('pse36') ? 36 : 32
  }

  has(feature: string): boolean {
    const found = featureOf(feature)
    return found !== undefined && ((this.words[found.word] >>> found.bit) & 1) === 1
  }

  /** Family 6 or later with MCE and MCA: machine-check banks. */
  get machineCheck(): boolean {
    const family = (this.signature >>> 8) & 15
    return family >= 6 && this.has('mce') && this.has('mca')
  }
}

/** Properties by type and name that a machine version sets: `{ 'qemu64-x86_64-cpu': { family: '6' } }`. */
export type CpuCompat = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * `name,+feature,-feature,feature=on,tsc-frequency=HZ`, as a machine version has it.
 * Throws a RangeError that names what would have been right.
 */
export function cpuModel(option = 'qemu64', compat: CpuCompat = {}): CpuModel {
  const [name = '', ...changes] = option.split(',')
  const newest = MODELS[name]
  if (newest === undefined) {
    throw new RangeError(`no processor model "${name}"; there are ${Object.keys(MODELS).join(', ')}`)
  }
  const d = { ...newest }
  const set = { ...compat['x86_64-cpu'], ...compat[`${name}-x86_64-cpu`] }
  for (const key of NUMBERS) if (set[key] !== undefined) d[key] = Number(set[key])
  if (set['model-id'] !== undefined) d.id = set['model-id']
  const wanted = Object.fromEntries(WORDS.map((w) => [w, d.words[w] ?? 0])) as Record<Word, number>
  const quirks = { ...NEWEST } as Record<keyof CpuQuirks, boolean>
  /** Features of the machine version that this processor lacks. */
  const lacking = new Map<string, string>()
  for (const [key, value] of Object.entries(set)) {
    const quirk = QUIRKS[key]
    const found = featureOf(key)
    if (quirk !== undefined) quirks[quirk] = isOn(value)
    else if (found !== undefined && isOn(value)) {
      wanted[found.word] |= 1 << found.bit
      if (((IMPLEMENTED[found.word] >>> found.bit) & 1) === 0) lacking.set(`${found.word} ${found.bit}`, key)
    } else if (found !== undefined) wanted[found.word] &= ~(1 << found.bit)
  }
  const asked: string[] = []
  let tscHz: number | undefined
  for (const change of changes) {
    if (/^tsc-freq(uency)?=/.test(change)) {
      tscHz = tscRateOf(change)
      continue
    }
    const [feature, on] = parseChange(change)
    const found = featureOf(feature)
    if (found === undefined) {
      throw new RangeError(`no processor feature "${feature}"; nearest: ${nearestFeatures(feature).join(', ')}`)
    }
    lacking.delete(`${found.word} ${found.bit}`)
    if (on) {
      if (((IMPLEMENTED[found.word] >>> found.bit) & 1) === 0) asked.push(feature)
      wanted[found.word] |= 1 << found.bit
    } else wanted[found.word] &= ~(1 << found.bit)
  }
  if (asked.length > 0) throw new RangeError(`processor features that are not here: ${asked.join(', ')}`)
  if (lacking.size > 0) {
    const features = [...lacking.values()]
    const without = features.map((f) => `${f}=off`).join(',')
    throw new RangeError(
      `the machine version gives ${name} ${features.join(' and ')}, which is not here; to do without: -cpu ${name},${without}`,
    )
  }
  return new CpuModel(name, d, wanted, tscHz, quirks)
}

/** Whether a processor model takes a property from a machine version. */
export const takesFromMachine = (property: string): boolean =>
  property in QUIRKS ||
  property === 'model-id' ||
  (NUMBERS as readonly string[]).includes(property) ||
  featureOf(property) !== undefined

function isOn(text: string): boolean {
  if (['on', 'true', 'yes'].includes(text)) return true
  if (['off', 'false', 'no'].includes(text)) return false
  throw new RangeError(`expected on or off, came "${text}"`)
}

const METRIC: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }
/** What a guest can still work with, and the stream carry. */
const TSC_HZ = { min: 1e6, max: 1e11 }

function tscRateOf(change: string): number {
  const found = /=(\d+(?:\.\d+)?)([kmg]?)$/i.exec(change)
  const hz = found === null ? NaN : Math.round(Number(found[1]) * METRIC[found[2]!.toLowerCase()]!)
  if (hz >= TSC_HZ.min && hz <= TSC_HZ.max) return hz
  throw new RangeError(`"${change}": expected a rate in Hz from 1M to 100G, like 2600000000 or 2.6G`)
}

function parseChange(change: string): [feature: string, on: boolean] {
  if (change.startsWith('+')) return [change.slice(1), true]
  if (change.startsWith('-')) return [change.slice(1), false]
  const [feature = '', value = ''] = change.split('=')
  if (value === 'on' || value === 'off') return [feature, value === 'on']
  throw new RangeError(`"${change}": expected +feature, -feature, feature=on or feature=off`)
}
