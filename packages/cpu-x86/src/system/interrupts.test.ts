import { expect, test } from 'vitest'
import { FLAG } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import { combine, interrupt, raise } from './exceptions.ts'
import { deliver, softwareInterrupt } from './interrupts.ts'
import { interruptReturn } from './iret.ts'
import {
  bench,
  descriptorWords,
  faultOf,
  gateWords,
  GDT,
  IDT,
  longBench,
  protectedBench,
  ring,
  SEL,
  TSS,
  type Bench,
} from './testing.ts'

const inFull = (): number => 0

const stack = (b: Bench, count: number): number[] =>
  Array.from({ length: count }, (_, i) => b.get(b.state.gprLow(4) + 4 * i))
const stack64 = (b: Bench, count: number): number[] =>
  Array.from({ length: count }, (_, i) => b.get(b.state.rsp + 8 * i))

test('real mode pushes flags, CS and IP, and IRET takes them back', () => {
  const b = bench()
  const { state } = b
  state.setRealSegment(1, 0x100)
  state.setRealSegment(2, 0x200)
  state.rip = 0x1234
  state.setWord(S.gpr + 32, 0xabcd_0100)
  state.eflags = 2 | FLAG.IF | FLAG.CF | FLAG.TF
  b.put(0x21 * 4, 0x5000_4444)
  softwareInterrupt(b.cpu, 0x21)
  expect([state.rip, state.selector(1), state.segBase(1)]).toEqual([0x4444, 0x5000, 0x5_0000])
  expect(state.eflags).toBe(2 | FLAG.CF)
  expect(state.gprLow(4) >>> 0).toBe(0xabcd_00fa)
  expect([b.get16(0x20fa), b.get16(0x20fc), b.get16(0x20fe)]).toEqual([0x1234, 0x100, 0x303])
  interruptReturn(b.sys, 16)
  expect([state.rip, state.selector(1), state.eflags, state.gprLow(4) & 0xffff]).toEqual([0x1234, 0x100, 0x303, 0x100])
})

test('an interrupt gate of the same ring clears IF, a trap gate does not', () => {
  for (const [kind, kept] of [
    [14, 0],
    [15, FLAG.IF],
  ] as const) {
    const b = protectedBench()
    b.put(IDT + 8 * 0x20, ...gateWords(SEL.code0, 0x5678_9abc, kind))
    b.state.eflags = 2 | FLAG.IF
    interrupt(b.cpu, 0x20, inFull)
    expect(stack(b, 3)).toEqual([0x1_0000, SEL.code0, 2 | FLAG.IF])
    expect([b.state.rip, b.state.eflags & FLAG.IF]).toEqual([0x5678_9abc, kept])
  }
})

test('from ring 3 the stack of the TSS is taken, and IRET gives the old one back', () => {
  const b = protectedBench()
  ring(b, 3)
  b.state.rsp = 0x6000
  b.state.eflags = 2 | FLAG.IF | FLAG.ZF
  b.put(IDT + 8 * 14, ...gateWords(SEL.code0, 0x4000, 14))
  expect(raise(b.cpu, EXC.PF, 7)).toBe('running')
  expect(b.state.cpl).toBe(0)
  expect([b.state.selector(1), b.state.selector(2), b.state.rsp]).toEqual([SEL.code0, SEL.data0, 0x8000 - 24])
  expect(stack(b, 6)).toEqual([7, 0x1_0000, SEL.code3, 2 | FLAG.IF | FLAG.ZF, 0x6000, SEL.data3])
  b.state.rsp += 4
  b.state.setSegment(3, SEL.data0, 0, 0xffff_ffff, 0x00cf_9300)
  interruptReturn(b.sys, 32)
  expect([b.state.cpl, b.state.rip, b.state.rsp, b.state.selector(2)]).toEqual([3, 0x1_0000, 0x6000, SEL.data3])
  expect(b.state.eflags).toBe(2 | FLAG.IF | FLAG.ZF)
  expect(b.state.selector(3)).toBe(0)
})

test('a 16-bit gate pushes words and enters at a 16-bit offset', () => {
  const b = protectedBench()
  b.put(IDT + 8 * 0x30, ...gateWords(SEL.code0, 0xffff_4321, 6))
  deliver(b.sys, 0x30, 'external')
  expect(b.state.rip).toBe(0x4321)
  expect(b.state.rsp).toBe(0x7000 - 6)
})

test('INT n needs a gate of its privilege; exceptions do not', () => {
  const b = protectedBench()
  ring(b, 3)
  b.put(IDT + 8 * 0x40, ...gateWords(SEL.code0, 0x4000, 14))
  expect(faultOf(() => softwareInterrupt(b.cpu, 0x40))).toEqual([EXC.GP, 0x40 * 8 + 2])
  expect(faultOf(() => deliver(b.sys, 0x40, 'external'))).toBeUndefined()
})

test('a vector beyond the IDT is #GP with the external bit for interrupts', () => {
  const b = protectedBench()
  b.state.setWord(S.idtLimit, 0xff)
  expect(faultOf(() => deliver(b.sys, 0x40, 'external'))).toEqual([EXC.GP, 0x203])
  expect(faultOf(() => deliver(b.sys, 0x40, 'software'))).toEqual([EXC.GP, 0x202])
})

test('an absent gate is #NP, an absent stack segment of the TSS is #SS', () => {
  const b = protectedBench()
  ring(b, 3)
  const [low, high] = gateWords(SEL.code0, 0x4000, 14, 3)
  b.put(IDT + 8 * 0x41, low, high & ~0x8000)
  expect(faultOf(() => softwareInterrupt(b.cpu, 0x41))).toEqual([EXC.NP, 0x41 * 8 + 2])
  b.put(IDT + 8 * 0x41, low, high)
  b.put(GDT + SEL.data0, ...descriptorWords({ kind: 0x12, absent: true }))
  expect(faultOf(() => softwareInterrupt(b.cpu, 0x41))).toEqual([EXC.SS, SEL.data0])
  expect(b.state.cpl).toBe(3)
})

test('a page fault during the delivery of a page fault is a double fault, and one more shuts down', () => {
  expect(combine(EXC.PF, EXC.PF)).toBe(EXC.DF)
  expect(combine(EXC.GP, EXC.NP)).toBe(EXC.DF)
  expect(combine(EXC.PF, EXC.GP)).toBe(EXC.DF)
  expect(combine(EXC.GP, EXC.PF)).toBe(EXC.PF)
  expect(combine(EXC.UD, EXC.GP)).toBe(EXC.GP)
  const b = protectedBench()
  b.put(IDT + 8 * 8, ...gateWords(SEL.code0, 0x4444, 14))
  expect(raise(b.cpu, EXC.GP, 0)).toBe('running')
  expect([b.state.rip, stack(b, 1)[0]]).toEqual([0x4444, 0])
  b.put(IDT + 8 * 8, 0, 0)
  expect(raise(b.cpu, EXC.GP, 0)).toBe('shutdown')
})

test('long mode aligns the stack and pushes SS and RSP even without a change of ring', () => {
  const b = longBench()
  b.put(IDT + 16 * 0x20, ...gateWords(SEL.code64, 0x4000, 14), 0xffff_8000, 0)
  b.state.rsp = 0x7009
  b.state.eflags = 2 | FLAG.IF
  interrupt(b.cpu, 0x20, inFull)
  expect(b.state.rip).toBe(-0x7fff_ffff_c000)
  expect(b.state.rsp).toBe(0x7000 - 40)
  expect(stack64(b, 5)).toEqual([0x1_0000, SEL.code64, 2 | FLAG.IF, 0x7009, SEL.data0])
  expect(b.state.eflags & FLAG.IF).toBe(0)
})

test('long mode takes RSP0 from ring 3 with a null SS, or the IST that the gate names', () => {
  for (const ist of [0, 2]) {
    const b = longBench()
    b.state.setSegment(1, SEL.code64user, 0, 0xffff_ffff, 0x00af_fb00)
    b.state.setSegment(2, SEL.data3, 0, 0xffff_ffff, 0x00cf_f300)
    b.state.cpl = 3
    b.state.rsp = 0x6000
    const [low, high] = gateWords(SEL.code64, 0x4000, 14)
    b.put(IDT + 16 * 14, low, high | ist, 0, 0)
    b.put(TSS + 4, 0x8000, 0)
    b.put(TSS + 0x2c, 0x9000, 0)
    expect(raise(b.cpu, EXC.PF, 5)).toBe('running')
    expect(b.state.rsp).toBe((ist === 0 ? 0x8000 : 0x9000) - 48)
    expect([b.state.cpl, b.state.selector(2)]).toEqual([0, 0])
    expect(stack64(b, 6)).toEqual([5, 0x1_0000, SEL.code64user, 2, 0x6000, SEL.data3])
    b.state.rsp += 8
    interruptReturn(b.sys, 64)
    expect([b.state.cpl, b.state.rsp, b.state.rip, b.state.selector(2)]).toEqual([3, 0x6000, 0x1_0000, SEL.data3])
  }
})

test('a task in V86 is interrupted with its segments on the stack and resumed by IRET', () => {
  const b = protectedBench('pentium2')
  b.put(IDT + 8 * 0x20, ...gateWords(SEL.code0, 0x4000, 14))
  b.state.rsp = 0x7000
  const frame = [0x1234, 0x2000, FLAG.VM | FLAG.IF | 2, 0xff00, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000]
  b.state.rsp = 0x7000 - 36
  b.put(0x7000 - 36, ...frame)
  interruptReturn(b.sys, 32)
  expect([b.state.v86, b.state.cpl, b.state.segBase(1), b.state.rip]).toEqual([true, 3, 0x2_0000, 0x1234])
  interrupt(b.cpu, 0x20, inFull)
  expect(stack(b, 9)).toEqual(frame)
  expect([b.state.v86, b.state.cpl, b.state.selector(3), b.state.selector(5)]).toEqual([false, 0, 0, 0])
})

test('INT n in V86 below IOPL 3 is #GP(0)', () => {
  const b = protectedBench('pentium2')
  b.state.eflags = 2 | FLAG.VM
  b.state.cpl = 3
  expect(faultOf(() => softwareInterrupt(b.cpu, 0x21))).toEqual([EXC.GP, 0])
})

test('an NMI gate through a task switches to it, and IRET comes back', () => {
  const b = protectedBench('pentium2')
  const OTHER = 0x3800
  b.put(GDT + 0x30, ...descriptorWords({ kind: 0x09, base: OTHER, limit: 0x67, big: false }))
  b.put(GDT + SEL.tss, ...descriptorWords({ kind: 0x0b, base: TSS, limit: 0x67, big: false }))
  b.put(OTHER + 0x20, 0x1111, 2)
  b.put(OTHER + 0x38, 0x6000)
  b.put(OTHER + 0x48, SEL.data0, SEL.code0, SEL.data0, SEL.data0, 0, 0)
  b.put(IDT + 8 * 2, ...gateWords(0x30, 0, 5))
  b.state.setGpr32(0, 0x1234_5678)
  interrupt(b.cpu, 2, inFull)
  expect([b.state.rip, b.state.rsp, b.state.selector(7)]).toEqual([0x1111, 0x6000, 0x30])
  expect([b.get(TSS + 0x20), b.get(TSS + 0x28), b.get16(OTHER)]).toEqual([0x1_0000, 0x1234_5678, SEL.tss])
  expect(b.state.eflags & FLAG.NT).toBe(FLAG.NT)
  expect((b.get(GDT + 0x34) >> 8) & 15).toBe(11)
  interruptReturn(b.sys, 32)
  expect([b.state.rip, b.state.rsp, b.state.gprLow(0), b.state.selector(7)]).toEqual([
    0x1_0000,
    0x7000,
    0x1234_5678,
    SEL.tss,
  ])
  expect((b.get(GDT + 0x34) >> 8) & 15).toBe(9)
})

test('IRET below ring 0 changes neither IOPL nor, above IOPL, IF', () => {
  const b = protectedBench()
  ring(b, 3)
  b.state.rsp = 0x6000
  b.put(0x6000, 0x2000, SEL.code3, 2 | FLAG.IOPL | FLAG.IF | FLAG.CF)
  interruptReturn(b.sys, 32)
  expect(b.state.eflags).toBe(2 | FLAG.CF)
})
