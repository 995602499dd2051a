import type { IoHandlers } from '@godwit/memory'
import { expect, test } from 'vitest'
import { S } from '../state.ts'
import {
  CROSS_CODE,
  CROSS_DATA,
  FAULTS,
  HANDLER,
  HLT_WAKE,
  MIX,
  MMIO,
  PF_HANDLER,
  RECURSION,
  SMC_PAGE,
  SMC_SAME,
  STI_SHADOW,
  STRINGS,
} from './programs.testing.ts'
import { bench, bytesOf, type Bench } from './testing.ts'

const [EAX, ECX, EDX, EBX, , , ESI, EDI] = [0, 1, 2, 3, 4, 5, 6, 7] as const

test('recursive calls return', () => {
  const b = bench({ bits: 64, code: RECURSION })
  expect(b.processor.run(1e6).reason).toBe('halted')
  expect(b.reg(EAX)).toBe(610)
  expect(b.processor.state.rsp).toBe(0x7000)
})

test('string instructions move, fill and compare across pages, whatever the alignment', () => {
  const b = bench({ bits: 32, code: STRINGS })
  expect(b.processor.run(1e6).reason).toBe('halted')
  expect([0x30001, 0x30001 + 4999].map((at) => b.peek(at, 1))).toEqual([0x5a, 0x5a])
  expect(b.peek(0x30001 + 5000, 1)).toBe(0)
  expect(b.reg(EBX)).toBe(0)
  expect(b.reg(EDI)).toBe(0x30001 + 5001)
})

test('an instruction sees what the one before it wrote over it', () => {
  const b = bench({ bits: 32, code: SMC_SAME })
  b.processor.run(1e6)
  expect(b.reg(EDX)).toBe(5 + 4 + 3 + 2 + 1)
})

test('a function in another page sees each patch, and each is decoded in the place of the last', () => {
  const b = bench({ bits: 32, code: SMC_PAGE })
  b.processor.run(1e6)
  expect(b.reg(EDX)).toBe(4 + 3 + 2 + 1)
})

test('an instruction across a page border is decoded anew when its second page changes', () => {
  const b = bench({ bits: 32, code: CROSS_CODE })
  b.processor.run(1e6)
  expect(b.reg(ESI)).toBe(0x11223344)
  expect(b.reg(EAX)).toBe(0x55223344)
})

test('data across a page border is read, changed, pushed and popped whole', () => {
  const b = bench({ bits: 32, code: CROSS_DATA })
  b.processor.run(1e6)
  expect(b.reg(EBX)).toBe(0x12233445)
  expect(b.peek(0x20ffe)).toBe(0x12233445)
  expect(b.reg(ECX)).toBe(0x2334)
  expect(b.reg(EDX)).toBe(0x12233445)
})

test('a device sees each access once, with its size', () => {
  const seen: string[] = []
  const device: IoHandlers = {
    read: (offset, size) => {
      seen.push(`r${size}@${offset.toString(16)}`)
      return offset
    },
    write: (offset, size, value) => {
      seen.push(`w${size}@${offset.toString(16)}=${value.toString(16)}`)
    },
  }
  const b = bench({ bits: 32, code: MMIO, device })
  b.processor.run(1e6)
  expect(seen.slice(0, 6)).toEqual(['r4@0', 'r4@4', 'w4@4=9', 'w1@9=77', 'r4@c', 'w4@c=0'])
  // Two bytes of the device, two of nobody.
  expect(seen.slice(6)).toEqual(['r1@ffe', 'r1@fff'])
  expect(b.reg(ECX)).toBe(0xffff_fffe)
})

/** A controller with one request, vector 32, whose handler is at 8000h. */
function withInterrupt(code: string): Bench & { asked: number } {
  const state = { asked: 0 }
  const b = bench({
    bits: 16,
    code,
    pic: {
      acknowledge: () => {
        state.asked++
        b.processor.intr.lower()
        return 32
      },
    },
  })
  b.ram.write(0x8000, bytesOf(HANDLER))
  b.ram.write(32 * 4, Uint8Array.of(0, 0x80, 0, 0))
  return Object.assign(b, state)
}

test('HLT waits until an interrupt comes, which returns behind it', () => {
  const b = withInterrupt(HLT_WAKE)
  expect(b.processor.run(1e6)).toEqual({ reason: 'halted', executed: 2 })
  expect(b.processor.run(1e6)).toEqual({ reason: 'halted', executed: 0 })
  b.processor.intr.raise()
  expect(b.processor.run(1e6)).toEqual({ reason: 'halted', executed: 3 + 2 })
  expect(b.reg(ECX) & 0xffff).toBe(1)
  expect(b.reg(EBX) & 0xffff).toBe(1)
})

test.each([1, 2, 3, 4, 1000])('STI lets one instruction pass before an interrupt, in slices of %i', (slice) => {
  const b = withInterrupt(STI_SHADOW)
  b.processor.intr.raise()
  while (b.processor.run(slice, true).reason !== 'halted');
  // BX as the handler saw it.
  expect(b.reg(ESI) & 0xffff).toBe(1)
  expect(b.reg(EBX) & 0xffff).toBe(2)
})

/** Everything a guest can see of itself. */
function digest(b: Bench): unknown {
  const { state } = b.processor
  let hash = 0
  for (const byte of b.ram.bytes.subarray(0, 0x40000)) hash = (Math.imul(hash, 31) + byte) | 0
  const regs = Array.from({ length: 8 }, (_, i) => state.gpr(i))
  return { regs, rip: state.rip, eflags: state.eflags, hash, count: b.processor.instructions }
}

test('any slicing ends in the same state as one run, after the same number of instructions', () => {
  const whole = bench({ bits: 32, code: MIX })
  whole.processor.run(1e7)
  const wanted = digest(whole)
  for (const exact of [true, false]) {
    const b = bench({ bits: 32, code: MIX })
    let seed = 1
    let done = 0
    for (;;) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      const n = 1 + ((seed >>> 16) % 300)
      const r = b.processor.run(n, exact)
      done += r.executed
      if (r.reason !== 'budget') break
      if (exact) expect(r.executed).toBe(n)
    }
    expect(digest(b)).toEqual(wanted)
    expect(done).toBe(b.processor.instructions)
  }
})

/** Paging of 4 KiB pages: the first 4 MiB are there, of the next 12 only what a page fault has asked for. */
function paged(present: boolean): Bench {
  const b = bench({ bits: 32, code: FAULTS })
  const word = (at: number, value: number): void =>
    b.ram.write(at, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24))
  for (let i = 0; i < 4; i++) word(0x170000 + 4 * i, 0x180000 + 0x1000 * i + 3)
  for (let i = 0; i < 4096; i++) word(0x180000 + 4 * i, i * 4096 + 2 + (present || i < 1024 ? 1 : 0))
  b.ram.write(0x8000, bytesOf(PF_HANDLER))
  word(0x2000 + 14 * 8, 0x0008_8000)
  word(0x2000 + 14 * 8 + 4, 0x0000_8e00)
  // A flat GDT for the gate.
  word(0x1000 + 8, 0x0000_ffff)
  word(0x1000 + 12, 0x00cf_9b00)
  for (let i = 0; i < 0x4000; i++) b.ram.bytes[0x400000 + i] = i * 7
  const { state } = b.processor
  state.setNum(S.gdtBase, 0x1000)
  state.setWord(S.gdtLimit, 0xff)
  state.setNum(S.idtBase, 0x2000)
  state.setWord(S.idtLimit, 0xff)
  state.setNum(S.cr3, 0x170000)
  state.setWord(S.cr0, 0x8000_0011 | 0)
  b.processor.afterLoad()
  return b
}

test('an instruction that faulted at any of its operands leaves no trace and runs again', () => {
  const [easy, hard] = [paged(true), paged(false)]
  for (const b of [easy, hard]) expect(b.processor.run(1e6).reason).toBe('halted')
  const visible = (b: Bench): unknown => ({
    regs: Array.from({ length: 8 }, (_, i) => b.processor.state.gpr(i)),
    rip: b.processor.state.rip,
    flags: b.processor.state.eflags,
  })
  expect(visible(hard)).toEqual(visible(easy))
  const differs = easy.ram.bytes.findIndex((byte, i) => i >= 0x400000 && byte !== hard.ram.bytes[i])
  expect(differs).toBe(-1)
  expect(easy.peek(0x3000)).toBe(0)
  expect(hard.peek(0x3000)).toBeGreaterThan(20)
})
