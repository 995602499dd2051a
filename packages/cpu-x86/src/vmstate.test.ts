import { expect, test } from 'vitest'
import { inflateSync } from 'node:zlib'
import { loadBytes, saveBytes } from '@godwit/vmstate'
import { FLAG } from './cpu-state.ts'
import { PENDING, S } from './state.ts'
import { bench, longBench, protectedBench } from './system/testing.ts'
import { CPU_SECTIONS } from './vmstate.fixture.ts'
import { cpuCommonVmstate, cpuVmstate, newCpuCommonWire, newCpuWire, type CpuWire } from './vmstate.ts'
import { hflagsOf } from './vmstate-copy.ts'

const recorded = (name: string): Uint8Array => new Uint8Array(inflateSync(Buffer.from(CPU_SECTIONS[name]!, 'base64')))

test.each(Object.keys(CPU_SECTIONS))('the section recorded from %s comes out byte for byte as it went in', (name) => {
  const bytes = recorded(name)
  const b = bench()
  const wire = newCpuWire(b.cpu)
  loadBytes(cpuVmstate, wire, bytes)
  expect(wire['env.hflags']).toBe(hflagsOf(b.cpu))
  expect(Buffer.from(saveBytes(cpuVmstate, wire)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
})

test('sizes are those of the subsections: always poll control, then FPU pointers, then the count of SMIs', () => {
  const b = bench()
  const wire = newCpuWire(b.cpu)
  expect(saveBytes(cpuVmstate, wire).length).toBe(1851)
  b.state.setNum(S.fpuIp, 0x1234)
  expect(saveBytes(cpuVmstate, wire).length).toBe(1889)
  b.state.smiCount = 1n
  expect(saveBytes(cpuVmstate, wire).length).toBe(1920)
  b.state.setNum(S.fpuIp, 0)
  expect(saveBytes(cpuVmstate, wire).length).toBe(1882)
})

test('a rate of the TSC that somebody asked for travels, and stays where a stream has none', () => {
  const a = bench()
  const wire = newCpuWire(a.cpu)
  a.state.tscKhz = 2_596_148n
  const bytes = saveBytes(cpuVmstate, wire).slice()
  expect(Buffer.from(bytes).toString('latin1')).toContain('cpu/tsc_khz')
  const b = bench()
  loadBytes(cpuVmstate, newCpuWire(b.cpu), bytes)
  expect(b.state.tscKhz).toBe(2_596_148n)
  a.state.tscKhz = 0n
  loadBytes(cpuVmstate, newCpuWire(b.cpu), saveBytes(cpuVmstate, wire))
  expect(b.state.tscKhz).toBe(2_596_148n)
})

test.each<[string, (wire: CpuWire) => void, RegExp]>([
  ['a selector of 17 bits', (w) => (w['env.segs'][3]!.selector = 0x1_0000), /selectors of 16 bits, came 0x10000/],
  ['a segment base that is not canonical', (w) => (w['env.ldt'].base = 1n << 63n), /a canonical segment base/],
  ['a SYSENTER_EIP that is not canonical', (w) => (w['env.sysenter_eip'] = 1n << 50n), /a canonical SYSENTER_EIP/],
  ['EFLAGS of 33 bits', (w) => (w['env.eflags'] = 0x1_0000_0002n), /eflags of 32 bits/],
  ['EFLAGS without the bit that is always set', (w) => (w['env.eflags'] = 0x200n), /with bit 1 set, came 0x200/],
  ['an x87 opcode of 12 bits', (w) => (w['env.fpop'] = 0x800), /an x87 opcode of 11 bits, came 0x800/],
])('%s is refused', (_, change, message) => {
  const wire = newCpuWire(bench().cpu)
  const bytes = saveBytes({ ...cpuVmstate, preSave: (s) => (cpuVmstate.preSave!(s), change(s)) }, wire)
  expect(() => loadBytes(cpuVmstate, newCpuWire(bench().cpu), bytes)).toThrow(message)
})

test('requests that no processor here knows are refused, and those to the run loop of another emulator dropped', () => {
  const wire = newCpuCommonWire(bench().cpu)
  const plain = { ...cpuCommonVmstate, preSave: () => undefined }
  const load = (halted: number, requests: number): (() => void) => {
    Object.assign(wire, { halted, interrupt_request: requests })
    const bytes = saveBytes(plain, wire)
    return () => loadBytes(cpuCommonVmstate, newCpuCommonWire(bench().cpu), bytes)
  }
  expect(load(1, 0x2 | 0x84)).not.toThrow()
  expect(load(2, 0)).toThrow(/halted 0 or 1, came 2/)
  expect(load(0, 0x100)).toThrow(/no request but those of this processor, came 0x100/)
})

test('a state goes from one processor to another', () => {
  const a = longBench()
  a.state.setGpr(13, 0xfedc_ba98_7654_3210n)
  a.state.rip = -0x7eff_fff0
  a.state.eflags = 2 | FLAG.IF | FLAG.OF | FLAG.SF | FLAG.PF
  a.state.setWord(S.fpuTop, 5)
  a.state.bytes[S.fpuEmpty + 6] = 0
  a.state.setBig(S.fpr + 16 * 6, 0x8000_0000_0000_0001n)
  a.state.view.setUint16(S.fpr + 16 * 6 + 8, 0xc001, true)
  a.state.setBig(S.xmm + 16 * 15 + 8, 77n)
  a.state.setBig(S.kernelGsBase, 0xffff_8880_0000_0000n)
  a.state.setSegBase(5, -0x7780_0000_0000)
  a.state.sysenterEip = -0x1000
  a.state.nmiBlocked = true
  const b = bench()
  loadBytes(cpuVmstate, newCpuWire(b.cpu), saveBytes(cpuVmstate, newCpuWire(a.cpu)))
  const area = (x: typeof a): string => Buffer.from(x.state.bytes.subarray(0, S.scratchRead)).toString('hex')
  b.state.setPair(S.flagRes, a.state.low(S.flagRes), a.state.high(S.flagRes))
  expect(area(b)).toBe(area(a))
  expect([b.state.eflags, b.state.sysenterEip, b.state.nmiBlocked]).toEqual([a.state.eflags, -0x1000, true])
})

test('hflags of 64-bit kernel code are what QEMU has for Linux', () => {
  const b = longBench()
  b.state.setWord(S.cr0, 0x8005_0033 | 0)
  b.state.setWord(S.cr4, 0x6a0)
  b.state.setSegment(2, 0x18, 0, 0xffff_ffff, 0x00cf_9300)
  expect(hflagsOf(b.cpu).toString(16)).toBe('40c2b0')
  const flat = protectedBench()
  expect(hflagsOf(flat.cpu)).toBe(0xb0)
  expect(hflagsOf(bench().cpu)).toBe(0x40)
})

test('the common section carries halt and what is pending', () => {
  const a = bench()
  a.state.setWord(S.halted, 1)
  a.state.setWord(S.pending, PENDING.intr | PENDING.nmi | PENDING.stop)
  const bytes = saveBytes(cpuCommonVmstate, newCpuCommonWire(a.cpu))
  expect(Buffer.from(bytes).toString('hex')).toBe('0000000100000202')
  const b = bench()
  loadBytes(cpuCommonVmstate, newCpuCommonWire(b.cpu), bytes)
  expect([b.state.low(S.halted), b.state.low(S.pending)]).toEqual([1, PENDING.intr | PENDING.nmi])
})

test('a guest inside nested virtualisation is refused', () => {
  const bytes = recorded('i440fx-min, 5.2')
  bytes[145] = bytes[145]! | 0x20
  expect(() => loadBytes(cpuVmstate, newCpuWire(bench().cpu), bytes)).toThrow(/SVM/)
})
