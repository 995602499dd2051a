import { expect, test } from 'vitest'
import { ABI_PARTS } from './guest-abi.ts'
import { createMachine } from './machine.ts'

const made = (type: string, props: Record<string, string> = {}) =>
  createMachine({ type, props, memoryBytes: 16 << 20, bios: new Uint8Array(0x1_0000).fill(0xf4), time: {} }).guestAbi()

test('Every part has lines, each with a name of its own and a value', () => {
  const abi = made('pc-i440fx-10.0')
  for (const part of ABI_PARTS) {
    expect(abi[part].length, part).toBeGreaterThan(0)
    const names = abi[part].map((line) => line.split(' = ')[0])
    expect(new Set(names).size, `${part}: ${names.find((n, i) => names.indexOf(n) !== i) ?? ''}`).toBe(names.length)
  }
})

test('The same machine type is the same hardware twice, and a machine without HPET is another', () => {
  expect(made('pc-i440fx-10.0')).toEqual(made('pc-i440fx-10.0'))
  const without = made('pc-i440fx-10.0', { hpet: 'off' })
  expect(without.memory.some((line) => line.includes('hpet'))).toBe(false)
  expect(made('pc-i440fx-10.0').memory.some((line) => line.includes('hpet'))).toBe(true)
})

test('What a machine version changes can be seen', () => {
  const [old, now] = [made('pc-i440fx-6.0'), made('pc-i440fx-6.1')]
  expect(old.properties).toContain('i8042 i8042.extended-state = false')
  expect(now.properties).toContain('i8042 i8042.extended-state = true')
  const signature = (abi: typeof now) => abi.cpuid.find((line) => line.startsWith('qemu64 00000001.0'))
  expect(signature(old)).not.toBe(signature(now))
})
