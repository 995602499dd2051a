/** CPUID, as QEMU's TCG answers it on pc-i440fx-5.2. SDM vol. 2A, CPUID; APM vol. 3, appendix E. */
import type { Cpu } from '../cpu.ts'
import type { CpuModel } from '../models.ts'

export type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number]

const NONE: Leaf = [0, 0, 0, 0]
const HYPERVISOR_LEVEL = 0x4000_0001

const word = (text: string, at: number): number =>
  [0, 1, 2, 3].reduce((w, i) => w | ((text.charCodeAt(at + i) || 0) << (8 * i)), 0)

/** The caches that every model of that machine reports: L1 32 KiB each, L2 4 MiB, L3 16 MiB. */
const CACHES: readonly Leaf[] = [
  [0x121, 0x01c0_003f, 0x3f, 1],
  [0x122, 0x01c0_003f, 0x3f, 1],
  [0x143, 0x03c0_003f, 0xfff, 1],
  [0x163, 0x03c0_003f, 0x3fff, 6],
]

const L3 = 3

/** What CPUID depends on besides the model. */
export interface Seen {
  readonly apicId: number
  /** IA32_APIC_BASE.enable: without it the feature bit is off. */
  readonly apicEnabled: boolean
}

/** Leaves beyond the highest of their range give the highest basic one, as Intel's processors do. */
export function leafOf(model: CpuModel, asked: number, sub: number, seen: Seen): Leaf {
  let leaf = asked >>> 0
  const limit =
    leaf >= 0xc000_0000 ? 0 : leaf >= 0x8000_0000 ? model.xlevel : leaf >= 0x4000_0000 ? HYPERVISOR_LEVEL : model.level
  if (leaf > limit) leaf = model.level
  return leaf >= 0x8000_0000 ? extended(model, leaf) : basic(model, leaf, sub, seen)
}

function basic(model: CpuModel, leaf: number, sub: number, seen: Seen): Leaf {
  const { vendor, words } = model
  switch (leaf) {
    case 0:
      return [model.level, word(vendor, 0), word(vendor, 8), word(vendor, 4)]
    case 1: {
      const edx = seen.apicEnabled ? words['1.edx'] : words['1.edx'] & ~0x200
      return [model.signature, (seen.apicId << 24) | 0x800, words['1.ecx'], edx]
    }
    case 2:
      return [1, 0, model.quirks.l3 ? 0x4d : 0, 0x002c_307d]
    case 4:
      return sub === L3 && !model.quirks.l3 ? NONE : (CACHES[sub] ?? NONE)
    case 5:
      return [0, 0, 3, 0]
    case 7:
      return sub === 0 ? [0, words['7.ebx'], 0, 0] : NONE
    case 0xb:
      if (!model.quirks.leafB) return NONE
      if (sub === 0) return [0, 1, 0x100, seen.apicId]
      return sub === 1 ? [0, 1, 0x201, seen.apicId] : [0, 0, sub & 0xff, seen.apicId]
    case 0x4000_0000:
      if (!model.quirks.tcgLeaf) return NONE
      return [HYPERVISOR_LEVEL, 0x5447_4354, 0x4354_4743, 0x4743_5447]
    default:
      return NONE
  }
}

function extended(model: CpuModel, leaf: number): Leaf {
  const { vendor, modelId, words } = model
  switch (leaf) {
    case 0x8000_0000:
      return [model.xlevel, word(vendor, 0), word(vendor, 8), word(vendor, 4)]
    case 0x8000_0001:
      return [model.signature, 0, words['x1.ecx'], words['x1.edx']]
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = (leaf - 0x8000_0002) * 16
      return [word(modelId, at), word(modelId, at + 4), word(modelId, at + 8), word(modelId, at + 12)]
    }
    case 0x8000_0005:
      return [0x01ff_01ff, 0x01ff_01ff, 0x4002_0140, 0x4002_0140]
    case 0x8000_0006:
      return [0, 0x4200_4200, 0x0200_8140, model.quirks.l3 ? 0x0080_8140 : 0]
    case 0x8000_0008:
      return [model.has('lm') ? 0x3000 | model.physBits : model.physBits, 0, 0, 0]
    default:
      return NONE
  }
}

/** CPUID for the processor as it is now. */
export function cpuid(cpu: Cpu, leaf: number, sub: number): Leaf {
  const base = cpu.apic?.readBase()
  return leafOf(cpu.model, leaf, sub, { apicId: 0, apicEnabled: base === undefined || (base & 0x800n) !== 0n })
}
