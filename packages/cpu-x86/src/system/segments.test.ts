import { expect, test } from 'vitest'
import { DESC, FLAG, LDTR, TR } from '../cpu-state.ts'
import { EXC, S, SEG } from '../state.ts'
import { callFar, jumpFar, returnFar } from './far.ts'
import { inspect, lldt, loadSegment, ltr } from './segments.ts'
import {
  bench,
  descriptorWords,
  faultOf,
  gateWords,
  GDT,
  longBench,
  protectedBench,
  ring,
  SEL,
  TSS,
} from './testing.ts'

const bounds = (b: ReturnType<typeof bench>, i: number): number[] =>
  [SEG.low, SEG.highRead, SEG.highWrite].map((at) => b.state.num(S.seg + SEG.size * i + at))

test('a real-mode load keeps the limit: big real mode', () => {
  const b = bench()
  b.state.setSegment(3, 0, 0, 0xffff_ffff, 0x00cf_9300)
  loadSegment(b.sys, 3, 0x1234)
  expect([b.state.segBase(3), b.state.segLimit(3)]).toEqual([0x1_2340, 0xffff_ffff])
})

test('a data segment is loaded with its bounds and marked accessed', () => {
  const b = protectedBench()
  b.put(GDT + 0x48, ...descriptorWords({ kind: 0x12, base: 0x1234_5678, limit: 0xfff }))
  loadSegment(b.sys, 3, 0x48)
  expect([b.state.segBase(3), b.state.segLimit(3)]).toEqual([0x1234_5678, 0xfff])
  expect(bounds(b, 3)).toEqual([0, 0xfff, 0xfff])
  expect(b.get(GDT + 0x4c) & DESC.accessed).toBe(DESC.accessed)
})

test('read-only, code and downward segments have their own bounds; a null one has none', () => {
  const b = protectedBench()
  const kinds = { 0x48: 0x10, 0x50: 0x1a, 0x58: 0x16, 0x60: 0x18 }
  for (const [at, kind] of Object.entries(kinds)) b.put(GDT + Number(at), ...descriptorWords({ kind, limit: 0xfff }))
  loadSegment(b.sys, 3, 0x48)
  expect(bounds(b, 3)).toEqual([0, 0xfff, -1])
  loadSegment(b.sys, 3, 0x50)
  expect(bounds(b, 3)).toEqual([0, 0xfff, -1])
  loadSegment(b.sys, 3, 0x58)
  expect(bounds(b, 3)).toEqual([0x1000, 0xffff_ffff, 0xffff_ffff])
  expect(faultOf(() => loadSegment(b.sys, 3, 0x60))).toEqual([EXC.GP, 0x60])
  loadSegment(b.sys, 3, 3)
  expect(bounds(b, 3)).toEqual([1, -1, -1])
})

test('privilege, presence and table limit are checked', () => {
  const b = protectedBench()
  b.put(GDT + 0x48, ...descriptorWords({ kind: 0x12, absent: true }))
  expect(faultOf(() => loadSegment(b.sys, 0, 0x48))).toEqual([EXC.NP, 0x48])
  expect(faultOf(() => loadSegment(b.sys, 2, 0x48))).toEqual([EXC.SS, 0x48])
  expect(faultOf(() => loadSegment(b.sys, 0, 0x100))).toEqual([EXC.GP, 0x100])
  expect(faultOf(() => loadSegment(b.sys, 0, 0x14))).toEqual([EXC.GP, 0x14])
  expect(faultOf(() => loadSegment(b.sys, 2, 0))).toEqual([EXC.GP, 0])
  expect(faultOf(() => loadSegment(b.sys, 2, SEL.data3))).toEqual([EXC.GP, SEL.data3 & ~3])
  ring(b, 3)
  expect(faultOf(() => loadSegment(b.sys, 0, SEL.data0))).toEqual([EXC.GP, SEL.data0])
  expect(faultOf(() => loadSegment(b.sys, 0, SEL.data3))).toBeUndefined()
})

test('a load that changes nothing does not disturb the tiers', () => {
  const b = protectedBench()
  loadSegment(b.sys, 3, SEL.data0)
  const before = b.counts.modes
  loadSegment(b.sys, 3, SEL.data0)
  expect(b.counts.modes).toBe(before)
})

test('LLDT and LTR read 16 bytes in long mode and mark the task busy', () => {
  const b = longBench()
  b.put(GDT + 0x50, ...descriptorWords({ kind: 0x09, base: 0x8000_3000, limit: 0x67, big: false }), 0xffff_8000, 0)
  b.put(GDT + 0x60, ...descriptorWords({ kind: 0x02, base: 0x4000, limit: 0x1f, big: false }), 0, 0)
  ltr(b.sys, 0x50)
  expect(b.state.segBase(TR)).toBe(-0x8000 * 2 ** 32 + 0x8000_3000)
  expect(faultOf(() => ltr(b.sys, 0x50))).toEqual([EXC.GP, 0x50])
  expect((b.state.segFlags(TR) >>> 8) & 15, 'not busy in TR itself: QEMU ends at that').toBe(9)
  lldt(b.sys, 0x60)
  expect([b.state.segBase(LDTR), b.state.segLimit(LDTR)]).toEqual([0x4000, 0x1f])
  lldt(b.sys, 0)
  expect(faultOf(() => loadSegment(b.sys, 3, 4))).toEqual([EXC.GP, 4])
})

test('LAR and its kin see what their privilege may see', () => {
  const b = protectedBench()
  ring(b, 3)
  expect(inspect(b.sys, SEL.data0, 'lar')).toBeUndefined()
  expect(inspect(b.sys, SEL.data3, 'lsl')).toBeDefined()
  expect(inspect(b.sys, SEL.code3, 'verw')).toBeUndefined()
  expect(inspect(b.sys, SEL.code3, 'verr')).toBeDefined()
  expect(inspect(b.sys, 0, 'lar')).toBeUndefined()
  expect(inspect(b.sys, 0x100, 'lar')).toBeUndefined()
})

test('a far jump changes CS, and enters 64-bit code with a base of zero', () => {
  const b = longBench()
  jumpFar(b.sys, SEL.code0, 0x1234, 32)
  expect([b.state.codeSize, b.state.rip]).toEqual([32, 0x1234])
  jumpFar(b.sys, SEL.code64, 0x5678, 32)
  expect([b.state.codeSize, b.state.rip, b.state.segBase(1)]).toEqual([64, 0x5678, 0])
  expect(faultOf(() => jumpFar(b.sys, SEL.data0, 0, 32))).toEqual([EXC.GP, SEL.data0])
  expect(faultOf(() => jumpFar(b.sys, SEL.code3, 0, 32))).toEqual([EXC.GP, SEL.code3 & ~3])
  expect(faultOf(() => jumpFar(b.sys, 0, 0, 32))).toEqual([EXC.GP, 0])
})

test('a far jump beyond the limit of its segment is #GP(0)', () => {
  const b = protectedBench()
  b.put(GDT + 0x48, ...descriptorWords({ kind: 0x1a, limit: 0xfff }))
  expect(faultOf(() => jumpFar(b.sys, 0x48, 0x1000, 32))).toEqual([EXC.GP, 0])
  jumpFar(b.sys, 0x48, 0xfff, 32)
  expect(b.state.selector(1)).toBe(0x48)
})

test('a call through a gate takes the inner stack with its parameters, and RETF drops them on both', () => {
  const b = protectedBench()
  b.put(GDT + 0x48, ...gateWords(SEL.code0, 0x4444, 12, 3))
  b.put(GDT + 0x4c, b.get(GDT + 0x4c) | 2)
  ring(b, 3)
  b.state.rsp = 0x6000
  b.put(0x6000, 0xaaaa, 0xbbbb)
  callFar(b.sys, 0x48, 0, 32)
  expect([b.state.cpl, b.state.rip, b.state.rsp]).toEqual([0, 0x4444, 0x8000 - 24])
  expect([0, 4, 8, 12, 16, 20].map((i) => b.get(0x8000 - 24 + i))).toEqual([
    0x1_0000,
    SEL.code3,
    0xaaaa,
    0xbbbb,
    0x6000,
    SEL.data3,
  ])
  returnFar(b.sys, 32, 8)
  expect([b.state.cpl, b.state.rip, b.state.rsp, b.state.selector(2)]).toEqual([3, 0x1_0000, 0x6008, SEL.data3])
})

test('a far call and return in real mode go over the stack', () => {
  const b = bench()
  b.state.setRealSegment(1, 0x100)
  b.state.rip = 0x20
  b.state.rsp = 0x1000
  callFar(b.sys, 0x300, 0x40, 16)
  expect([b.state.segBase(1), b.state.rip, b.state.rsp]).toEqual([0x3000, 0x40, 0xffc])
  expect([b.get16(0xffc), b.get16(0xffe)]).toEqual([0x20, 0x100])
  returnFar(b.sys, 16, 2)
  expect([b.state.selector(1), b.state.rip, b.state.rsp]).toEqual([0x100, 0x20, 0x1002])
})

test('a push below the stack segment is #SS(0) and moves nothing', () => {
  const b = protectedBench()
  b.state.setSegment(2, SEL.data0, 0, 0xfff, 0x0040_9300)
  b.state.rsp = 0x2000
  expect(faultOf(() => callFar(b.sys, SEL.code0, 0, 32))).toEqual([EXC.SS, 0])
  expect([b.state.rsp, b.state.selector(1)]).toEqual([0x2000, SEL.code0])
})

test('a jump to a TSS switches tasks without a link', () => {
  const b = protectedBench('pentium2')
  b.put(GDT + 0x30, ...descriptorWords({ kind: 0x09, base: 0x3800, limit: 0x67, big: false }))
  b.put(GDT + SEL.tss, ...descriptorWords({ kind: 0x0b, base: TSS, limit: 0x67, big: false }))
  b.put(0x3800 + 0x20, 0x1111, 2)
  b.put(0x3800 + 0x48, 0, SEL.code0, SEL.data0, 0, 0, 0)
  jumpFar(b.sys, 0x30, 0, 32)
  expect([b.state.rip, b.state.eflags & FLAG.NT, b.state.cr0 & 8]).toEqual([0x1111, 0, 8])
  expect([(b.get(GDT + SEL.tss + 4) >> 8) & 15, (b.get(GDT + 0x34) >> 8) & 15]).toEqual([9, 11])
})
