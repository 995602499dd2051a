import { expect, test } from 'vitest'
import { absentOps } from './absent.ts'
import { ALL_OPS } from './decode/tables.ts'
import { cpuModel } from './models.ts'

test('what a model lacks raises #UD, what it has does not', () => {
  const qemu64 = absentOps(cpuModel('qemu64'))
  expect(['pshufb', 'popcnt', 'tzcnt', 'rdtscp', 'monitor'].every((op) => qemu64.has(op))).toBe(true)
  expect(['cmov', 'syscall', 'haddps', 'cmpxchg16b', 'fxsave'].some((op) => qemu64.has(op))).toBe(false)
  expect(absentOps(cpuModel('486')).has('cmov')).toBe(true)
  expect(absentOps(cpuModel('core2duo')).has('pshufb')).toBe(false)
})

test('every name is an instruction that the decoder knows', () => {
  const known = new Set<string>(ALL_OPS)
  expect([...absentOps(cpuModel('base'))].filter((op) => !known.has(op))).toEqual([])
})
