import { expect, test } from 'vitest'
import { bench, bytesOf, type Bench } from '../engine/testing.ts'
import type { Engine } from '../engine/engine.ts'
import { S } from '../state.ts'

function runFrom(b: Bench, at: number): void {
  b.processor.state.rip = at
  b.processor.state.setWord(S.halted, 0)
  expect(b.processor.run(10).reason).toBe('halted')
}

test('a jump over the end of a page that is written over waits for its target no longer', () => {
  const b = bench({ bits: 64, code: 'f4' })
  const RAX = 'b8 8877665544332211 f4'
  const put = (at: number, hex: string): void => b.ram.write(at, bytesOf(hex))
  put(0x8f81, 'f4')
  // mov rax, 0x1122334455667788: room for two records
  put(0x8fff, `48 ${RAX}`)
  runFrom(b, 0x8fff)
  // je 0x8f81, which nobody has run: the link to it stays open
  put(0x8fff, '74')
  put(0x9000, '80 f4')
  runFrom(b, 0x8fff)
  put(0x9000, RAX)
  put(0x8fff, '48')
  runFrom(b, 0x8fff)
  runFrom(b, 0x8f81)
  b.processor.state.setGpr(0, 0n)
  runFrom(b, 0x8fff)
  expect(b.processor.state.gpr(0)).toBe(0x1122_3344_5566_7788n)
})

test('code that grows where it stands is found by whoever jumped to it', () => {
  const b = bench({ bits: 32, code: 'eb 0e', at: 0x8000 })
  const put = (hex: string): void => b.ram.write(0x8010, bytesOf(hex))
  put('f4')
  runFrom(b, 0x8000)
  put('40 40 40 f4')
  runFrom(b, 0x8000)
  expect(b.reg(0)).toBe(3)
  put('40 f4')
  runFrom(b, 0x8000)
  expect(b.reg(0)).toBe(4)
})

test('more blocks than the table begins with are all found again', () => {
  const b = bench({ bits: 32, code: 'f4', at: 0x20_0000 })
  const { blocks } = b.processor.cpu as Engine
  // Each a jump to the next: every one is decoded, and linked inside its page.
  const count = 12_000
  for (let i = 0; i < count; i++) b.ram.write(0x20_0000 + 2 * i, bytesOf('eb 00'))
  b.ram.write(0x20_0000 + 2 * count, bytesOf('f4'))
  for (let round = 0; round < 2; round++) {
    b.processor.state.rip = 0x20_0000
    b.processor.state.setWord(S.halted, 0)
    expect(b.processor.run(count + 10)).toEqual({ reason: 'halted', executed: count + 1 })
    expect(blocks.decoded).toBe(count + 1)
  }
})

test.each([0x90fe, 0x913e, 0x91fd, 0x9efe, 0x9ffd])(
  'an instruction over a border inside or behind its page, at %s, is seen to change by each of its bytes',
  (at) => {
    const b = bench({ bits: 32, code: 'f4', at: 0x8000 })
    // Code all around it, that comes and goes: mov eax, imm32; hlt
    const around = [at - 0x120, at - 0x80, at + 6, at + 0x100, at + 0x180]
    const put = (where: number, hex: string): void => b.ram.write(where, bytesOf(hex))
    for (const place of [...around, at]) {
      put(place, 'b8 00000000 f4')
      runFrom(b, place)
    }
    for (let i = 1; i <= 4; i++) {
      for (const place of around) {
        put(place + i, '77')
        runFrom(b, at)
        runFrom(b, place)
        expect(b.reg(0) >>> (8 * (i - 1))).toBe(0x77)
      }
      put(at + i, i.toString(16).padStart(2, '0'))
      runFrom(b, at)
      expect(b.reg(0) >>> (8 * (i - 1))).toBe(i)
    }
  },
)

test('a page whose code has all been written over is no code any more', () => {
  const b = bench({ bits: 32, code: 'f4', at: 0x8000 })
  const { blocks } = b.processor.cpu as Engine
  const places = [0x9000, 0x90fc, 0x9100, 0x91ff, 0x9ff8]
  for (const place of places) b.ram.write(place, bytesOf('b8 00000000 f4'))
  for (const place of places) runFrom(b, place)
  const page = (b.ram.offset + 0x9000) / 4096
  for (const place of [0x90fd, 0x9000, 0x9204, 0x9101, 0x9ff9, 0x9203]) {
    expect(blocks.hasCode[page]).toBe(1)
    b.ram.write(place, bytesOf('00'))
  }
  expect(blocks.hasCode[page]).toBe(0)
})
