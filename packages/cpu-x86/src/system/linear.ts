/** Memory at linear addresses for TypeScript that runs for the guest: translates, checks, and throws GuestFault. */
import { GuestFault, type Cpu } from '../cpu.ts'
import type { CpuState } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import { createWalker, type Access, type Walker } from './paging.ts'

const PAGE = 4096

/** Where plain memory lies in the host, as the translations in use say. */
export interface Shortcut {
  /** Host address of bytes that may be read or written there, all in one page; -1: only a walk can tell. */
  reach(linear: number, bytes: number, write: boolean, user: boolean): number
}

/**
 * Accesses as a privilege: `user` true is CPL 3, false is the system (descriptor tables, TSS, pushes of a more
 * privileged stack). A page crossed is translated on both sides before a byte is written.
 */
export class Linear {
  readonly walker: Walker
  /** Set by a processor that remembers translations. */
  shortcut: Shortcut | undefined
  private readonly cpu: Cpu
  private readonly state: CpuState
  private readonly words: Int32Array
  private readonly view: DataView

  constructor(cpu: Cpu) {
    this.cpu = cpu
    this.state = cpu.state
    this.walker = createWalker(cpu)
    this.words = new Int32Array(cpu.host.memory.buffer)
    this.view = new DataView(cpu.host.memory.buffer)
  }

  /** Physical address behind a linear one. Throws #PF with CR2 set, or #GP for an address that is not canonical. */
  translate(linear: number, access: Access, user: boolean): number {
    if (!this.walker.walk(linear, access, user)) this.raise(linear)
    return this.found(linear)
  }

  /** The same without a trace in the page tables, for a page that was accessed before; else, or if it would fault, -1. */
  peek(linear: number, access: Access, user: boolean): number {
    const { walker } = this
    if (!walker.probe(linear, access, user) || !walker.page.accessed) return -1
    return this.found(linear)
  }

  /** In the page that the walker has found. */
  private found(linear: number): number {
    return this.gated(this.walker.page.physical + (linear - Math.floor(linear / PAGE) * PAGE))
  }

  read8(linear: number, user: boolean): number {
    return this.cpu.memory.read(this.translate(linear, 'read', user), 1)
  }

  /** Unsigned. */
  read16(linear: number, user: boolean): number {
    return this.read(linear, 2, user)
  }

  /** Signed. */
  read32(linear: number, user: boolean): number {
    const host = this.shortcut?.reach(linear, 4, false, user) ?? -1
    if (host >= 0) return (host & 3) === 0 ? this.words[host >>> 2]! : this.view.getInt32(host, true)
    return this.read(linear, 4, user) | 0
  }

  /** 64 bits as a signed number: exact for canonical addresses. */
  readNum(linear: number, user: boolean): number {
    const low = this.read32(linear, user) >>> 0
    return this.read32(this.wrap(linear + 4), user) * 4294967296 + low
  }

  /** A stack slot or pointer of 16, 32 (unsigned) or 64 bits (signed). */
  readSized(linear: number, size: 16 | 32 | 64, user: boolean): number {
    if (size === 64) return this.readNum(linear, user)
    return size === 32 ? this.read32(linear, user) >>> 0 : this.read(linear, 2, user)
  }

  write8(linear: number, value: number, user: boolean): void {
    this.cpu.memory.write(this.translate(linear, 'write', user), 1, value & 0xff)
  }

  write16(linear: number, value: number, user: boolean): void {
    this.write(linear, 2, value & 0xffff, user)
  }

  write32(linear: number, value: number, user: boolean): void {
    const host = this.shortcut?.reach(linear, 4, true, user) ?? -1
    if (host < 0) this.write(linear, 4, value >>> 0, user)
    else if ((host & 3) === 0) this.words[host >>> 2] = value
    else this.view.setInt32(host, value, true)
  }

  writeNum(linear: number, value: number, user: boolean): void {
    const high = Math.floor(value / 4294967296)
    const host = this.shortcut?.reach(linear, 8, true, user) ?? -1
    if (host >= 0 && (host & 3) === 0) {
      this.words[host >>> 2] = value
      this.words[(host >>> 2) + 1] = high
      return
    }
    const top = this.wrap(linear + 4)
    this.translate(this.wrap(linear + 7), 'write', user)
    this.write(linear, 4, value >>> 0, user)
    this.write(top, 4, high >>> 0, user)
  }

  writeSized(linear: number, size: 16 | 32 | 64, value: number, user: boolean): void {
    if (size === 64) this.writeNum(linear, value, user)
    else if (size === 32) this.write32(linear, value, user)
    else this.write(linear, 2, value & 0xffff, user)
  }

  private read(linear: number, size: 2 | 4, user: boolean): number {
    const { memory } = this.cpu
    const at = this.translate(linear, 'read', user)
    if ((at & (PAGE - 1)) <= PAGE - size) return memory.read(at, size)
    const next = this.translate(this.wrap(linear + size - 1), 'read', user)
    let value = 0
    for (let i = 0; i < size; i++) {
      const here = (at & (PAGE - 1)) + i < PAGE ? at + i : next - (size - 1 - i)
      value |= memory.read(here, 1) << (8 * i)
    }
    return value >>> 0
  }

  private write(linear: number, size: 2 | 4, value: number, user: boolean): void {
    const { memory } = this.cpu
    const at = this.translate(linear, 'write', user)
    if ((at & (PAGE - 1)) <= PAGE - size) {
      memory.write(at, size, value)
      return
    }
    const next = this.translate(this.wrap(linear + size - 1), 'write', user)
    for (let i = 0; i < size; i++) {
      const here = (at & (PAGE - 1)) + i < PAGE ? at + i : next - (size - 1 - i)
      memory.write(here, 1, (value >>> (8 * i)) & 0xff)
    }
  }

  /** Linear addresses are 32 bits wide outside long mode. */
  wrap(linear: number): number {
    return this.state.longMode ? linear : linear >>> 0
  }

  private gated(physical: number): number {
    const off = this.state.low(S.a20Mask) !== -1 && (Math.floor(physical / 0x10_0000) & 1) === 1
    return off ? physical - 0x10_0000 : physical
  }

  private raise(linear: number): never {
    const { fault } = this.walker
    if (fault.vector === EXC.PF) this.cpu.state.setNum(S.cr2, this.wrap(linear))
    throw new GuestFault(fault.vector, fault.errorCode)
  }
}

const owned = new WeakMap<Cpu, Linear>()

/** The processor's own. */
export function linearOf(cpu: Cpu): Linear {
  let linear = owned.get(cpu)
  if (linear === undefined) {
    linear = new Linear(cpu)
    owned.set(cpu, linear)
  }
  return linear
}
