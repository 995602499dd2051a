import { expect, test } from 'vitest'
import { cpuModel, takesFromMachine, type CpuCompat } from './models.ts'
import { leafOf } from './system/cpuid.ts'

const seen = { apicId: 0, apicEnabled: true }
const leaf = (compat: Readonly<Record<string, string>>, at: number, sub = 0): string[] =>
  leafOf(cpuModel('qemu64', { 'x86_64-cpu': compat }), at, sub, seen).map((w) =>
    (w >>> 0).toString(16).padStart(8, '0'),
  )

// What guests of QEMU 10.0 (and 5.2, the same) saw under pc-i440fx-2.8, 2.7 and 2.6.
test.each([
  [{ 'l3-cache': 'off' }, 2, 0, '00000001 00000000 00000000 002c307d'],
  [{ 'l3-cache': 'off' }, 4, 3, '00000000 00000000 00000000 00000000'],
  [{ 'l3-cache': 'off' }, 0x8000_0006, 0, '00000000 42004200 02008140 00000000'],
  [{ 'l3-cache': 'on' }, 0x8000_0006, 0, '00000000 42004200 02008140 00808140'],
  [{ 'cpuid-0xb': 'off' }, 0xb, 0, '00000000 00000000 00000000 00000000'],
  [{ 'cpuid-0xb': 'off' }, 0xb, 1, '00000000 00000000 00000000 00000000'],
  [{ 'tcg-cpuid': 'off' }, 0x4000_0000, 0, '00000000 00000000 00000000 00000000'],
])('%j gives leaf %i.%i as older machines have it', (compat, at, sub, expected) => {
  expect(leaf(compat, at, sub).join(' ')).toBe(expected)
})

test('without full-cpuid-auto-level a feature raises no leaf', () => {
  const level = (value: string): number =>
    cpuModel('pentium3,+erms', { 'x86_64-cpu': { 'full-cpuid-auto-level': value } }).level
  expect([level('on'), level('off')]).toEqual([7, cpuModel('pentium3').level])
})

const PC_2_4: CpuCompat = {
  'qemu64-x86_64-cpu': { 'model-id': 'QEMU Virtual CPU version 2.4.0', sse4a: 'on', popcnt: 'on' },
}

test('a model has the name and the features of its machine version', () => {
  const model = cpuModel('qemu64,sse4a=off', PC_2_4)
  expect([model.modelId, model.has('popcnt'), cpuModel('qemu64').has('popcnt')]).toEqual([
    'QEMU Virtual CPU version 2.4.0',
    true,
    false,
  ])
})

test('a feature of the machine version that is not here is refused, with the way to do without', () => {
  expect(() => cpuModel('qemu64', PC_2_4)).toThrow(/gives qemu64 sse4a, which is not here; .*-cpu qemu64,sse4a=off/)
  expect(() => cpuModel('qemu64', { 'x86_64-cpu': { 'l3-cache': 'maybe' } })).toThrow(
    /expected on or off, came "maybe"/,
  )
})

test('what is taken from a machine version is known by name', () => {
  expect(['l3-cache', 'model-id', 'stepping', 'popcnt', 'hv-version-id-build'].map(takesFromMachine)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ])
})
