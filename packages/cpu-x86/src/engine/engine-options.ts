/** What a processor is built from. */
import type { InterruptSource, LocalApic, Time } from '@godwit/hw'
import type { AddressSpace, HostMemory, RamBlock } from '@godwit/memory'
import type { Insn } from '../decode/insn.ts'
import type { CpuModel } from '../models.ts'
import type { RuntimeFunctions } from '../runtime.ts'
import type { Meanings } from '../semantics/meaning.ts'
import type { HotSample } from '../tier0/handlers.ts'
import type { KeptCode } from '../tier0/code-list.ts'
import type { Mode } from '../tier0/mode.ts'
import type { Tier1Mode } from '../tier1/regions.ts'

export interface EngineOptions {
  readonly host: HostMemory
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  readonly time: Time
  readonly model: CpuModel
  readonly apic: LocalApic | undefined
  readonly pic: InterruptSource | undefined
  readonly ramBlocks: readonly RamBlock[]
  readonly recordBytes: number
  readonly tscHz: number
  readonly profile: boolean
  readonly tier1: Tier1Mode
  readonly tier1Counters: boolean
  readonly semantics: Meanings
  readonly functions: RuntimeFunctions
  readonly kept?: KeptCode | undefined
  hot(): readonly HotSample[]
  readonly cold: (mode: Mode) => readonly Insn[]
}
