import { expect, test } from 'vitest'
import { cpuModel, IMPLEMENTED, MODELS } from '../models.ts'
import { CPUID_RECORDS } from './cpuid.fixture.ts'
import { leafOf } from './cpuid.ts'

const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')

/** What this processor masks, applied to a recorded line. */
function masked(leaf: number, words: number[]): number[] {
  const [a, b, c, d] = words as [number, number, number, number]
  if (leaf === 1) return [a, b, c & IMPLEMENTED['1.ecx'], d & IMPLEMENTED['1.edx']]
  if (leaf === 0x8000_0001) return [a, b, c & IMPLEMENTED['x1.ecx'], d & IMPLEMENTED['x1.edx']]
  // Nested virtualisation is not here.
  return leaf === 0x8000_000a ? [0, 0, 0, 0] : words
}

/** The leaves were recorded on pc-i440fx-5.2. */
const PC_I440FX_5_2 = { 'qemu64-x86_64-cpu': { family: '6', model: '6', stepping: '3' } }

test('a machine version sets family, model and stepping of a model', () => {
  expect([cpuModel().signature, cpuModel('qemu64', PC_I440FX_5_2).signature]).toEqual([0x60fb1, 0x663])
})

test.each(Object.keys(MODELS))('%s answers every leaf as QEMU recorded it, less what is not here', (name) => {
  const model = cpuModel(name, PC_I440FX_5_2)
  const lines = CPUID_RECORDS[name]!.trim().split('\n')
  expect(lines.length).toBe(32)
  for (const line of lines) {
    const [leaf, sub, ...words] = line
      .trim()
      .split(' ')
      .map((w) => parseInt(w, 16)) as [number, number, ...number[]]
    const limit =
      leaf >= 0xc000_0000 ? 0 : leaf >= 0x8000_0000 ? model.xlevel : leaf >= 0x4000_0000 ? leaf : model.level
    const real = leaf > limit ? model.level : leaf
    const got = leafOf(model, leaf, sub, { apicId: 0, apicEnabled: true })
    expect(`${hex(leaf)}.${sub} ${got.map(hex).join(' ')}`).toBe(
      `${hex(leaf)}.${sub} ${masked(real, words).map(hex).join(' ')}`,
    )
  }
})

test('the APIC feature goes with the APIC', () => {
  const model = cpuModel('pentium2')
  expect(leafOf(model, 1, 0, { apicId: 0, apicEnabled: false })[3] & 0x200).toBe(0)
  expect(leafOf(model, 1, 0, { apicId: 3, apicEnabled: true })[1] >>> 24).toBe(3)
})

test('features are added and taken away by name', () => {
  const model = cpuModel('base,+lm,+sse,+sse2,+fxsr,+pae,+cx8,+cmov,nx=on,syscall=on,+msr,-cmov')
  expect([model.has('lm'), model.has('nx'), model.has('cmov'), model.xlevel]).toEqual([true, true, false, 0x8000_0008])
  expect(cpuModel('qemu64,-lahf_lm').has('lahf-lm')).toBe(false)
})

test('a wrong option says what would have been right', () => {
  expect(() => cpuModel('qemu65')).toThrow(/qemu64/)
  expect(() => cpuModel('qemu64,+cmvo')).toThrow(/nearest: cmov/)
  expect(() => cpuModel('qemu64,+svm')).toThrow(/not here: svm/)
  expect(() => cpuModel('qemu64,nx')).toThrow(/nx=on|feature=on/)
})

test('the rate of the TSC is a property of the model, in Hz or with a metric suffix', () => {
  expect(cpuModel('qemu64').tscHz).toBeUndefined()
  expect(cpuModel('qemu64,tsc-frequency=2596148000,+ssse3').tscHz).toBe(2_596_148_000)
  expect(cpuModel('qemu64,tsc-freq=2.6G').tscHz).toBe(2_600_000_000)
  expect(() => cpuModel('qemu64,tsc-frequency=fast')).toThrow('expected a rate in Hz')
  expect(() => cpuModel('qemu64,tsc-frequency=12')).toThrow('from 1M to 100G')
})

test('what a model would have and is not here is said', () => {
  expect(cpuModel('qemu64').filtered).toContain('svm')
  expect(cpuModel('pentium2').filtered).toEqual([])
})
