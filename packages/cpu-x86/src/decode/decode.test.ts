import { expect, test } from 'vitest'
import { GuestFault } from '../cpu.ts'
import { decode } from './decode.ts'
import { disassemble } from './disassemble.ts'
import type { CodeSize, Insn } from './insn.ts'
import { ALL_OPS } from './tables.ts'

const at = (hex: string, mode: CodeSize = 64, absent?: ReadonlySet<string>): Insn => {
  const bytes = Buffer.from(hex.replace(/ /g, ''), 'hex')
  return decode((i) => bytes[i] ?? 0x90, mode, absent)
}

test('more than 15 bytes are a general protection fault, 15 are not', () => {
  expect(at('66'.repeat(14) + '90').length).toBe(15)
  expect(() => at('66'.repeat(15) + '90')).toThrow(GuestFault)
  expect(() => at('66'.repeat(11) + '81c0')).not.toThrow()
  expect(() => at('2e'.repeat(10) + '81c0')).toThrow('#13 (0)')
})

test('a REX prefix counts only directly before the opcode, and the last one wins', () => {
  expect(disassemble(at('48 01 c8'))).toBe('add rax,rcx')
  expect(disassemble(at('48 66 01 c8'))).toBe('add ax,cx')
  expect(disassemble(at('48 41 01 c8'))).toBe('add r8d,ecx')
  expect(disassemble(at('66 48 01 c8'))).toBe('add rax,rcx')
})

test('LOCK needs a memory destination of an instruction that takes it', () => {
  expect(at('f0 01 08').op).toBe('add')
  expect(at('f0 01 08').lock).toBe(true)
  for (const hex of ['f0 01 c8', 'f0 03 08', 'f0 39 08', 'f0 8b 08', 'f0 0f a3 08', 'f0 90']) {
    expect(at(hex).op, hex).toBe('ud')
  }
})

test('what a mode does not have is undefined there', () => {
  for (const hex of ['06', '27', '60', '62 00', '82 c0 00', '9a 00 00 00 00 00 00', 'c4 00', 'ce', 'd4 0a', 'd6']) {
    expect(at(hex, 64).op, hex).toBe('ud')
    expect(at(hex, 32).op, hex).not.toBe('ud')
  }
  expect(at('c5 f8 77', 32).name).toBe('vex')
  expect(at('0f 01 f8', 64).op).toBe('swapgs')
  expect(at('0f 01 f8', 32).op).toBe('ud')
  expect(at('0f 0b').op).toBe('ud2')
})

test('a processor model without an instruction does not decode it', () => {
  const absent = new Set(['tzcnt', 'popcnt', 'lzcnt'])
  expect(at('f3 0f bc c1').op).toBe('tzcnt')
  expect(at('f3 0f bc c1', 64, absent).op).toBe('bsf')
  expect(at('f3 0f bd c1', 64, absent).op).toBe('bsr')
  expect(at('f3 0f b8 c1', 64, absent)).toMatchObject({ op: 'ud', name: 'popcnt' })
})

test('segments default to SS under a stack base and are overridden except by ES to DS in 64-bit code', () => {
  const segment = (hex: string, mode: CodeSize): number => {
    const o = at(hex, mode).operands[1]!
    return o.kind === 'mem' ? o.segment : -1
  }
  expect(segment('8b 45 00', 32)).toBe(2)
  expect(segment('8b 04 24', 32)).toBe(2)
  expect(segment('8b 00', 32)).toBe(3)
  expect(segment('26 8b 45 00', 32)).toBe(0)
  expect(segment('26 8b 45 00', 64)).toBe(2)
  expect(segment('64 2e 8b 45 00', 64)).toBe(4)
  expect(segment('8b 42 00', 16)).toBe(2)
  expect(segment('41 8b 45 00', 64)).toBe(3)
})

test('immediates are sign-extended to the operation, and targets count from the next instruction', () => {
  expect(at('48 05 ff ff ff ff').operands[1]).toMatchObject({ low: -1, high: -1, size: 64 })
  expect(at('48 83 c0 80').operands[1]).toMatchObject({ low: -128, high: -1, size: 64 })
  expect(at('48 b8 01 00 00 00 02 00 00 80').operands[1]).toMatchObject({ low: 1, high: -0x7ffffffe })
  expect(at('eb fe')).toMatchObject({ flow: 'jump', target: -2, length: 2 })
  expect(at('e8 00 01 00 00')).toMatchObject({ flow: 'call', target: 256, codeSize: 64 })
  expect(at('66 e8 00 01', 32)).toMatchObject({ flow: 'call', target: 256, codeSize: 16 })
  expect(at('70 10')).toMatchObject({ flow: 'cond', cc: 0 })
})

test('flow says where control goes', () => {
  const flows = {
    c3: 'indirect',
    'ff e0': 'indirect',
    'ff 10': 'indirect',
    'ff 18': 'leave',
    cf: 'leave',
    '0f 22 c0': 'leave',
  }
  for (const [hex, flow] of Object.entries(flows)) expect(at(hex).flow, hex).toBe(flow)
  expect(at('0f 20 c0').flow).toBe('next')
  expect(at('8c c0').flow).toBe('next')
  expect(at('8e c0').flow).toBe('leave')
  expect(at('f3 a4')).toMatchObject({ op: 'movs', rep: 0xf3, size: 8, flow: 'next' })
  expect(at('f3 90').op).toBe('pause')
  expect(at('f3 01 c0').rep).toBe(0)
})

test('operations have names that meanings can be given to', () => {
  expect(ALL_OPS).toContain('cmpxchg16b')
  expect(ALL_OPS).toContain('fucomip')
  expect(ALL_OPS).not.toContain('aesenc')
  expect(ALL_OPS.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([])
})
