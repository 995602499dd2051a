/** System management mode with the 64-bit save state map. APM vol. 2, chapter 10, table 10-1. */
import { GuestFault, type Cpu } from '../cpu.ts'
import { CR0, dplOf, LDTR, TR } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import { rebound } from './segments.ts'
import { systemOf, type System } from './system.ts'

/** 64-bit map with SMBASE relocation: what QEMU's processors say, and SeaBIOS looks for. */
const REVISION = 0x0002_0064
const RELOCATION = 0x2_0000
/** The map's offsets are counted from SMBASE + 8000h. */
const MAP = 0x8000

const AT = {
  segments: 0x7e00,
  gdtLimit: 0x7e64,
  gdtBase: 0x7e68,
  ldtr: 0x7e70,
  idtLimit: 0x7e84,
  idtBase: 0x7e88,
  tr: 0x7e90,
  efer: 0x7ed0,
  revision: 0x7efc,
  smbase: 0x7f00,
  cr4: 0x7f48,
  cr3: 0x7f50,
  cr0: 0x7f58,
  dr7: 0x7f60,
  dr6: 0x7f68,
  eflags: 0x7f70,
  rip: 0x7f78,
  rax: 0x7ff8,
} as const

class Map64 {
  private readonly sys: System
  private readonly base: number

  constructor(sys: System) {
    this.sys = sys
    this.base = (sys.state.smbase >>> 0) + MAP
  }

  get16(at: number): number {
    return this.sys.cpu.memory.read(this.base + at, 2)
  }

  get(at: number): number {
    return this.sys.cpu.memory.read(this.base + at, 4) | 0
  }

  put16(at: number, value: number): void {
    this.sys.cpu.memory.write(this.base + at, 2, value & 0xffff)
  }

  put(at: number, value: number): void {
    this.sys.cpu.memory.write(this.base + at, 4, value >>> 0)
  }

  /** Between a 64-bit field of the CPU area and the map. */
  save(at: number, field: number): void {
    this.put(at, this.sys.state.low(field))
    this.put(at + 4, this.sys.state.high(field))
  }

  load(at: number, field: number): void {
    this.sys.state.setPair(field, this.get(at), this.get(at + 4))
  }

  saveSegment(at: number, i: number): void {
    const { state } = this.sys
    this.put16(at, state.selector(i))
    this.put16(at + 2, (state.segFlags(i) >> 8) & 0xf0ff)
    this.put(at + 4, state.segLimit(i))
    this.save(at + 8, S.seg + 48 * i)
  }

  loadSegment(at: number, i: number): void {
    const base = this.get(at + 12) * 4294967296 + (this.get(at + 8) >>> 0)
    const flags = (this.get16(at + 2) & 0xf0ff) << 8
    this.sys.state.setSegment(i, this.get16(at), base, this.get(at + 4) >>> 0, flags)
  }
}

/** Takes an SMI. */
export function enterSmm(cpu: Cpu): void {
  const sys = systemOf(cpu)
  const { state } = sys
  state.inSmm = true
  state.smiCount++
  if (state.nmiBlocked) state.smiInsideNmi = true
  else state.nmiBlocked = true
  state.onSmm?.(true)
  const map = new Map64(sys)
  for (let i = 0; i < 6; i++) map.saveSegment(AT.segments + 16 * i, i)
  map.saveSegment(AT.ldtr, LDTR)
  map.saveSegment(AT.tr, TR)
  map.save(AT.gdtBase, S.gdtBase)
  map.put(AT.gdtLimit, state.low(S.gdtLimit))
  map.save(AT.idtBase, S.idtBase)
  map.put(AT.idtLimit, state.low(S.idtLimit))
  map.save(AT.efer, S.efer)
  for (let i = 0; i < 16; i++) map.save(AT.rax - 8 * i, S.gpr + 8 * i)
  map.save(AT.rip, S.rip)
  map.put(AT.eflags, state.eflags)
  map.put(AT.dr6, state.low(S.dr + 48))
  map.put(AT.dr7, state.low(S.dr + 56))
  map.put(AT.cr4, state.cr4)
  map.save(AT.cr3, S.cr3)
  map.put(AT.cr0, state.cr0)
  map.put(AT.revision, REVISION)
  map.put(AT.smbase, state.smbase)

  state.setPair(S.efer, 0, 0)
  state.eflags = 2
  state.rip = 0x8000
  state.setPair(S.cr0, state.cr0 & ~(CR0.PE | CR0.EM | CR0.TS | CR0.PG), 0)
  state.setPair(S.cr4, 0, 0)
  state.setPair(S.dr + 56, 0x400, 0)
  state.cpl = 0
  const base = state.smbase >>> 0
  for (let i = 0; i < 6; i++) state.setSegment(i, 0, 0, 0xffff_ffff, 0x80_9300)
  state.setSegment(1, (base >>> 4) & 0xffff, base, 0xffff_ffff, 0x80_9300)
  state.setWord(S.halted, 0)
  state.setWord(S.shadow, 0)
  changed(sys)
}

/** RSM. */
export function leaveSmm(sys: System): void {
  const { state } = sys
  if (!state.inSmm) throw new GuestFault(EXC.UD)
  const map = new Map64(sys)
  map.load(AT.efer, S.efer)
  map.load(AT.gdtBase, S.gdtBase)
  state.setWord(S.gdtLimit, map.get(AT.gdtLimit))
  map.load(AT.idtBase, S.idtBase)
  state.setWord(S.idtLimit, map.get(AT.idtLimit))
  for (let i = 0; i < 16; i++) map.load(AT.rax - 8 * i, S.gpr + 8 * i)
  map.load(AT.rip, S.rip)
  state.eflags = map.get(AT.eflags)
  state.setPair(S.dr + 48, map.get(AT.dr6), 0)
  state.setPair(S.dr + 56, map.get(AT.dr7), 0)
  state.setPair(S.cr4, map.get(AT.cr4), 0)
  map.load(AT.cr3, S.cr3)
  state.setPair(S.cr0, map.get(AT.cr0), 0)
  for (let i = 0; i < 6; i++) map.loadSegment(AT.segments + 16 * i, i)
  map.loadSegment(AT.ldtr, LDTR)
  map.loadSegment(AT.tr, TR)
  rebound(sys)
  state.cpl = dplOf(state.segFlags(2))
  if ((map.get(AT.revision) & RELOCATION) !== 0) state.smbase = map.get(AT.smbase) >>> 0
  if (state.smiInsideNmi) state.smiInsideNmi = false
  else state.nmiBlocked = false
  state.leaveSmm()
  changed(sys)
}

function changed(sys: System): void {
  sys.cpu.flushTlb(false)
  sys.cpu.modeChanged()
}
