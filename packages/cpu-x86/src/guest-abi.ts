/** What a guest can see of a processor before it has run: CPUID and the registers' values at power-on. */
import type { Cpu } from './cpu.ts'
import type { CpuModel } from './models.ts'
import { S } from './state.ts'
import { leafOf } from './system/cpuid.ts'
import { msrNumbers, msrName, readMsr } from './system/msr.ts'
import { systemOf } from './system/system.ts'

const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')

/** Leaves with sub-leaves, and how many are worth showing. */
const SUBLEAVES: Readonly<Record<number, number>> = { 4: 5, 7: 2, 0xb: 3 }

const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr']

/** Their value is the time. */
const CLOCKS = new Set(['TSC'])

/** "00000001.0  eax ebx ecx edx", a line a leaf, of a boot processor with its APIC on. */
export function cpuidLines(model: CpuModel): string[] {
  const lines: string[] = []
  for (const [first, last] of [
    [0, model.level],
    [0x4000_0000, 0x4000_0001],
    [0x8000_0000, model.xlevel],
  ] as const) {
    for (let leaf = first; leaf <= last; leaf++) {
      for (let sub = 0; sub < (SUBLEAVES[leaf] ?? 1); sub++) {
        const words = leafOf(model, leaf, sub, { apicId: 0, apicEnabled: true })
        lines.push(`${hex(leaf)}.${sub}  ${words.map(hex).join(' ')}`)
      }
    }
  }
  return lines
}

/** Values after reset by name: control and debug registers, segments, and every MSR that has a fixed value. */
export function resetRegisterLines(cpu: Cpu): string[] {
  const { state } = cpu
  const big = (v: bigint): string => `0x${BigInt.asUintN(64, v).toString(16)}`
  const lines = [
    `rip = ${big(BigInt(state.rip))}`,
    `eflags = 0x${state.eflags.toString(16)}`,
    ...(['cr0', 'cr2', 'cr3', 'cr4'] as const).map((name) => `${name} = ${big(state.big(S[name]))}`),
    ...Array.from({ length: 8 }, (_, i) => `dr${i} = ${big(state.big(S.dr + 8 * i))}`),
    ...SEGMENT_NAMES.map(
      (name, i) =>
        `${name} = selector 0x${state.selector(i).toString(16)} base ${big(BigInt(state.segBase(i)))} ` +
        `limit 0x${(state.segLimit(i) >>> 0).toString(16)} flags 0x${(state.segFlags(i) >>> 0).toString(16)}`,
    ),
    `fpu = control 0x${state.word(S.fpuControl).toString(16)} mxcsr 0x${state.word(S.mxcsr).toString(16)}`,
  ]
  const sys = systemOf(cpu)
  for (const number of msrNumbers()) {
    const name = msrName(number)!
    if (CLOCKS.has(name)) continue
    readMsr(sys, number)
    lines.push(`msr ${hex(number)} ${name} = ${big(state.big(S.result))}`)
  }
  return lines
}
