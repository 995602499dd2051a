import { expect, test } from 'vitest'
import { fromBcd, toBcd } from './index.ts'

test('every number below 100 reads in hexadecimal as it does in decimal, and comes back', () => {
  for (let n = 0; n < 100; n++) {
    expect(toBcd(n).toString(16)).toBe(String(n))
    expect(fromBcd(toBcd(n))).toBe(n)
  }
})

test('of larger numbers two digits are left, as a two-digit year has', () => {
  expect([toBcd(1987), toBcd(2000)]).toEqual([0x87, 0x00])
})
