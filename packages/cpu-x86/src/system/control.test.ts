import { expect, test } from 'vitest'
import { CR0, CR4, EFER, FLAG } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import { moveFromCr, moveToCr, moveToDr, moveFromDr, loadMsw } from './control.ts'
import { readMsr, writeMsr } from './msr.ts'
import { portIn, portOut } from './ports.ts'
import { enterSmm, leaveSmm } from './smm.ts'
import { systemCall, systemEnter, systemExit, systemReturn } from './syscall.ts'
import { bench, faultOf, longBench, protectedBench, ring, SEL, TSS } from './testing.ts'

test('setting CR0.PG with EFER.LME activates long mode, and needs PAE', () => {
  const b = protectedBench()
  writeMsr(b.sys, 0xc000_0080, EFER.LME | EFER.SCE, 0)
  expect(faultOf(() => moveToCr(b.sys, 0, CR0.PG | CR0.PE | 0, 0))).toEqual([EXC.GP, 0])
  moveToCr(b.sys, 4, CR4.PAE, 0)
  moveToCr(b.sys, 0, CR0.PG | CR0.PE | 0, 0)
  expect(b.state.efer & EFER.LMA).toBe(EFER.LMA)
  expect(faultOf(() => moveToCr(b.sys, 4, 0, 0))).toEqual([EXC.GP, 0])
  moveToCr(b.sys, 0, CR0.PE, 0)
  expect(b.state.efer & EFER.LMA).toBe(0)
})

test('paging without protection, NW without CD and bits the model lacks are #GP', () => {
  const b = protectedBench('pentium2')
  expect(faultOf(() => moveToCr(b.sys, 0, CR0.PG | 0, 0))).toEqual([EXC.GP, 0])
  expect(faultOf(() => moveToCr(b.sys, 0, CR0.PE | CR0.NW, 0))).toEqual([EXC.GP, 0])
  expect(faultOf(() => moveToCr(b.sys, 4, CR4.SMEP, 0))).toEqual([EXC.GP, 0])
  expect(faultOf(() => moveToCr(b.sys, 4, CR4.OSXMMEXCPT, 0))).toEqual([EXC.GP, 0])
  expect(faultOf(() => moveToCr(b.sys, 5, 0, 0))).toEqual([EXC.UD, undefined])
  ring(b, 3)
  expect(faultOf(() => moveToCr(b.sys, 0, CR0.PE, 0))).toEqual([EXC.GP, 0])
})

test('CR0.ET is always set, and LMSW cannot clear PE', () => {
  const b = protectedBench()
  moveToCr(b.sys, 0, CR0.PE, 0)
  moveFromCr(b.sys, 0)
  expect(b.state.low(S.result)).toBe(0x11)
  loadMsw(b.sys, 8)
  expect(b.state.cr0).toBe(0x19)
})

test('segments get their bounds when protection is switched on', () => {
  const b = bench()
  b.state.setSegment(3, 0, 0, 0xffff, 0)
  moveToCr(b.sys, 0, CR0.PE, 0)
  expect(b.state.num(S.seg + 48 * 3 + 32)).toBe(-1)
})

test('debug registers 4 and 5 are 6 and 7 until CR4.DE', () => {
  const b = protectedBench()
  moveToDr(b.sys, 5, 0x2, 0)
  moveFromDr(b.sys, 7)
  expect(b.state.low(S.result)).toBe(0x402)
  moveToCr(b.sys, 4, CR4.DE, 0)
  expect(faultOf(() => moveFromDr(b.sys, 5))).toEqual([EXC.UD, undefined])
})

test('MSRs keep what is written, addresses must be canonical, unknown ones read 0 and are counted', () => {
  const b = longBench()
  writeMsr(b.sys, 0xc000_0082, 0x8160_0000 | 0, -1)
  readMsr(b.sys, 0xc000_0082)
  expect([b.state.low(S.result) >>> 0, b.state.high(S.result)]).toEqual([0x8160_0000, -1])
  expect(b.state.num(S.lstar)).toBe(-0x7ea0_0000)
  expect(faultOf(() => writeMsr(b.sys, 0xc000_0101, 0, 0x1234_0000))).toEqual([EXC.GP, 0])
  readMsr(b.sys, 0x1234_5678)
  expect([b.state.low(S.result), b.counts.missing]).toEqual([0, ['rdmsr 12345678']])
  writeMsr(b.sys, 0x202, 0x8000_0006 | 0, 5)
  expect(b.state.mtrrBase[1]).toBe(0x5_8000_0006n)
  writeMsr(b.sys, 0x404, 5, 0)
  expect(b.state.mceBanks[4]).toBe(0xffff_ffff_ffff_ffffn)
  expect(faultOf(() => writeMsr(b.sys, 0x277, 2, 0))).toEqual([EXC.GP, 0])
})

test('a model without long mode has no LSTAR, and EFER keeps only its bits', () => {
  const b = protectedBench('pentium3')
  writeMsr(b.sys, 0xc000_0082, 1, 0)
  expect([b.state.low(S.lstar), b.counts.missing.length]).toEqual([0, 1])
  writeMsr(b.sys, 0xc000_0080, EFER.LME | EFER.NXE | EFER.SCE, 0)
  expect(b.state.efer).toBe(0)
})

test('SYSCALL and SYSRET go from 64-bit ring 3 to LSTAR and back', () => {
  const b = longBench()
  b.state.setPair(S.star, 0, (0x33 << 16) | SEL.code64)
  b.state.setNum(S.lstar, -0x7f00_0000)
  b.state.setWord(S.fmask, FLAG.IF | FLAG.TF)
  b.state.setSegment(1, 0x43, 0, 0xffff_ffff, 0x00af_fb00)
  b.state.setSegment(2, 0x3b, 0, 0xffff_ffff, 0x00cf_f300)
  b.state.cpl = 3
  b.state.rip = 0x40_1002
  b.state.eflags = 2 | FLAG.IF | FLAG.ZF
  systemCall(b.sys)
  expect([b.state.rip, b.state.cpl, b.state.selector(1), b.state.selector(2)]).toEqual([
    -0x7f00_0000,
    0,
    SEL.code64,
    SEL.code64 + 8,
  ])
  expect([b.state.gprNum(1), b.state.gprLow(11), b.state.eflags]).toEqual([0x40_1002, 0x242, 0x42])
  systemReturn(b.sys, 64)
  expect([b.state.rip, b.state.cpl, b.state.selector(1), b.state.selector(2)]).toEqual([0x40_1002, 3, 0x43, 0x3b])
  expect([b.state.eflags, b.state.codeSize]).toEqual([0x242, 64])
  expect(faultOf(() => systemReturn(b.sys, 64))).toEqual([EXC.GP, 0])
})

test('SYSENTER and SYSEXIT use fixed offsets from SYSENTER_CS', () => {
  const b = protectedBench()
  expect(faultOf(() => systemEnter(b.sys))).toEqual([EXC.GP, 0])
  writeMsr(b.sys, 0x174, SEL.code0, 0)
  writeMsr(b.sys, 0x175, 0x5000, 0)
  writeMsr(b.sys, 0x176, 0xc010_0000 | 0, 0)
  ring(b, 3)
  systemEnter(b.sys)
  expect([b.state.rip, b.state.rsp, b.state.cpl, b.state.selector(1), b.state.selector(2)]).toEqual([
    0xc010_0000,
    0x5000,
    0,
    SEL.code0,
    SEL.data0,
  ])
  b.state.setGpr32(2, 0x1234)
  b.state.setGpr32(1, 0x6000)
  systemExit(b.sys, 32)
  expect([b.state.rip, b.state.rsp, b.state.selector(1), b.state.selector(2)]).toEqual([0x1234, 0x6000, 0x1b, 0x23])
})

test('ports above IOPL are asked of the bitmap in the TSS', () => {
  const b = protectedBench()
  b.put(TSS + 0x64, 0x68 << 16)
  b.put(TSS + 0x68, 0xffff_fffe, 0xffff_ffff)
  b.state.setSegment(7, SEL.tss, TSS, 0x6f, 0x8b00)
  ring(b, 3)
  expect(faultOf(() => portIn(b.sys, 0, 8))).toBeUndefined()
  expect(faultOf(() => portIn(b.sys, 0, 16))).toEqual([EXC.GP, 0])
  expect(faultOf(() => portOut(b.sys, 0x3f8, 8, 0))).toEqual([EXC.GP, 0])
  b.state.eflags = 2 | FLAG.IOPL
  expect(faultOf(() => portOut(b.sys, 0x3f8, 8, 0))).toBeUndefined()
  expect(b.state.low(S.result) & 0xff).toBe(0xff)
})

test('an SMI saves the state in the 64-bit map, and RSM restores it and moves SMBASE', () => {
  const b = protectedBench()
  const seen: boolean[] = []
  b.state.onSmm = (inside) => seen.push(inside)
  b.state.setGpr(3, 0x1122_3344_5566_7788n)
  b.state.eflags = 2 | FLAG.IF | FLAG.CF
  enterSmm(b.cpu)
  expect([b.state.rip, b.state.segBase(1), b.state.cr0, b.state.cpl]).toEqual([0x8000, 0x3_0000, 0x10, 0])
  expect([b.state.selector(1), b.state.segLimit(3), b.state.eflags, b.state.codeSize]).toEqual([
    0x3000, 0xffff_ffff, 2, 16,
  ])
  expect([b.get(0x3_8000 + 0x7efc), b.get(0x3_8000 + 0x7f00), b.get(0x3_8000 + 0x7fe0)]).toEqual([
    0x2_0064, 0x3_0000, 0x5566_7788,
  ])
  expect(b.get16(0x3_8000 + 0x7e12)).toBe(0xc09b)
  b.put(0x3_8000 + 0x7f00, 0xa_0000)
  b.state.setGpr(3, 0n)
  leaveSmm(b.sys)
  expect([b.state.rip, b.state.selector(1), b.state.cr0, b.state.gpr(3)]).toEqual([
    0x1_0000,
    SEL.code0,
    0x11,
    0x1122_3344_5566_7788n,
  ])
  expect([b.state.smbase, b.state.smiCount, b.state.eflags, b.state.nmiBlocked]).toEqual([0xa_0000, 1n, 0x203, false])
  expect(seen).toEqual([true, false])
  expect(faultOf(() => leaveSmm(b.sys))).toEqual([EXC.UD, undefined])
})
