import { expect, test } from 'vitest'
import { FLAG } from '../cpu-state.ts'
import { PENDING, S } from '../state.ts'
import { bench, bytesOf, type Bench } from './testing.ts'

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)

/** Flat 32-bit code with a GDT (8 code, 16 data) and an IDT whose vectors all lead to `mov esi, ebx; hlt`. */
function flat(code: string, pic?: { acknowledge(): number }): Bench {
  const b = bench({ bits: 32, code, ...(pic === undefined ? {} : { pic }) })
  const { state } = b.processor
  b.ram.write(0x9000, words(0, 0, 0xffff, 0xcf_9b00, 0xffff, 0xcf_9300))
  state.setNum(S.gdtBase, 0x9000)
  state.setWord(S.gdtLimit, 23)
  for (let i = 0; i < 64; i++) b.ram.write(0xa000 + 8 * i, words(0x8_8000, 0x8e00))
  state.setNum(S.idtBase, 0xa000)
  state.setWord(S.idtLimit, 511)
  b.ram.write(0x8000, bytesOf('89de f4'))
  return b
}

// xor ebx, ebx; xor esi, esi; push flags; push 8; push 0x7c11; iret; 0x7c11: inc ebx; inc ebx; hlt
const returnWith = (flags: string): string => `31db 31f6 68${flags} 6a08 68117c0000 cf 43 43 f4`

test('an interrupt that waits is taken where IRET sets IF, before the next instruction', () => {
  const pic = {
    acknowledge: () => {
      b.processor.intr.lower()
      return 32
    },
  }
  const b: Bench = flat(returnWith('02020000'), pic)
  b.processor.intr.raise()
  expect(b.processor.run(1000).reason).toBe('halted')
  expect(b.reg(3)).toBe(0)
  expect(b.processor.stats().interrupts).toBe(1)
})

test('an interrupt finds flags and address of the instruction that it came before on its stack', () => {
  const pic = {
    acknowledge: () => {
      b.processor.intr.lower()
      return 32
    },
  }
  // mov al, 0x7f; add al, 1; sti; nop; nop; hlt
  const b: Bench = flat('b07f 0401 fb 90 90 f4', pic)
  b.processor.intr.raise()
  expect(b.processor.run(1000).reason).toBe('halted')
  expect(b.reg(4)).toBe(0x7000 - 12)
  expect([0x6ff4, 0x6ff8, 0x6ffc].map((at) => b.peek(at))).toEqual([0x7c06, 8, 0xa92])
  expect(b.processor.state.systemFlags & FLAG.IF).toBe(0)
})

test('an interrupt whose gate the IDT does not have is a general protection fault', () => {
  const pic = {
    acknowledge: () => {
      b.processor.intr.lower()
      return 0x80
    },
  }
  const b: Bench = flat('fb 90 90 f4', pic)
  b.processor.intr.raise()
  expect(b.processor.run(1000).reason).toBe('halted')
  expect([0x6ff0, 0x6ff4].map((at) => b.peek(at))).toEqual([0x80 * 8 + 3, 0x7c02])
})

test('an IRET that sets TF lets one instruction pass', () => {
  const b = flat(returnWith('02010000'))
  expect(b.processor.run(1000).reason).toBe('halted')
  // EBX as the handler of #DB saw it.
  expect([b.reg(3), b.reg(6)]).toEqual([1, 1])
})

test('system instructions in a loop go on without the run loop, and are counted', () => {
  // mov ecx, 100; mov ax, 16; l: mov fs, ax; mov ds, ax; dec ecx; jnz l; hlt
  const b = flat('b964000000 66b81000 8ee0 8ed8 49 75f9 f4')
  expect(b.processor.run(1e6)).toEqual({ reason: 'halted', executed: 2 + 400 + 1 })
  expect(b.processor.stats().exits['left']).toBeLessThan(5)
})

// mov ecx, 100; l: mov fs, eax with eax = 16; dec ecx; jnz l
const LOADS = '66b81000 b964000000 8ee0 49 75fb'

test('while IF is clear an interrupt that waits does not call the run loop, and it comes when IF is set', () => {
  const pic = {
    acknowledge: () => {
      b.processor.intr.lower()
      return 32
    },
  }
  // cli; xor ebx, ebx; the loads; sti; inc ebx; inc ebx; hlt
  const b: Bench = flat(`fa 31db ${LOADS} fb 43 43 f4`, pic)
  b.processor.intr.raise()
  expect(b.processor.run(1e6).reason).toBe('halted')
  // One instruction after STI has run.
  expect([b.reg(6), b.processor.stats().interrupts]).toEqual([1, 1])
  expect(b.processor.stats().exits['left']).toBeLessThan(5)
})

test('while IF is clear a non-maskable interrupt that waits is taken before the next instruction', () => {
  // mov ebx, 5; popf, with nothing set; invlpg [eax]; mov ebx, 6; hlt
  const b = flat(`bb05000000 6a02 9d 0f0138 bb06000000 f4`)
  b.processor.state.setWord(S.pending, PENDING.nmi | PENDING.intr)
  b.processor.state.nmiBlocked = true
  b.processor.run(3, true)
  b.processor.state.nmiBlocked = false
  expect(b.processor.run(1e6).reason).toBe('halted')
  expect(b.reg(6)).toBe(5)
})

test('code that has a limit is checked where a far transfer leads', () => {
  // jmp 0x18:0x7c20, with a code segment that ends before; twice, so that the place is known the second time
  const b = flat('ea207c00001800')
  const { state } = b.processor
  b.ram.write(0x7c20, bytesOf('43 ea007c00000800'))
  state.setWord(S.gdtLimit, 31)
  b.ram.write(0x9018, words(0xffff, 0x40_9b00))
  b.processor.run(6, true)
  expect(b.reg(3)).toBe(2)
  b.ram.write(0x9018, words(0x7c1f, 0x40_9b00))
  expect(b.processor.run(1000).reason).toBe('halted')
  expect(b.processor.stats().exceptions).toEqual({ 13: 1 })
  expect(b.reg(3)).toBe(2)
})
