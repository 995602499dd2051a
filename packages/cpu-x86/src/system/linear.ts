/** Memory at linear addresses for TypeScript that runs for the guest: translates, checks, and throws GuestFault. */
import { GuestFault, type Cpu } from '../cpu.ts'
import { EXC, S } from '../state.ts'
import { createWalker, type Access, type Walker } from './paging.ts'

const PAGE = 4096

/**
 * Accesses as a privilege: `user` true is CPL 3, false is the system (descriptor tables, TSS, pushes of a more
 * privileged stack). A page crossed is translated on both sides before a byte is written.
 */
export class Linear {
  readonly walker: Walker
  private readonly cpu: Cpu
  /** Last translation of each kind, good within one system function: begin() drops it. */
  private readonly pages = new Float64Array(4).fill(NaN)
  private readonly frames = new Float64Array(4)

  constructor(cpu: Cpu) {
    this.cpu = cpu
    this.walker = createWalker(cpu)
  }

  /** Forgets translations: the guest has run since, or a table has changed. */
  begin(): void {
    this.pages.fill(NaN)
  }

  /** Physical address behind a linear one. Throws #PF with CR2 set, or #GP for an address that is not canonical. */
  translate(linear: number, access: Access, user: boolean): number {
    const page = Math.floor(linear / PAGE)
    const slot = (access === 'write' ? 1 : 0) + (user ? 2 : 0)
    const offset = linear - page * PAGE
    if (access !== 'execute' && this.pages[slot] === page) return this.gated(this.frames[slot]! + offset)
    if (!this.walker.walk(linear, access, user)) this.raise(linear)
    if (access !== 'execute') {
      this.pages[slot] = page
      this.frames[slot] = this.walker.page.physical
    }
    return this.gated(this.walker.page.physical + offset)
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
    return this.read(linear, 4, user) | 0
  }

  /** 64 bits as a signed number: exact for canonical addresses. */
  readNum(linear: number, user: boolean): number {
    const low = this.read(linear, 4, user)
    return (this.read(this.wrap(linear + 4), 4, user) | 0) * 4294967296 + low
  }

  /** A stack slot or pointer of 16, 32 (unsigned) or 64 bits (signed). */
  readSized(linear: number, size: 16 | 32 | 64, user: boolean): number {
    return size === 64 ? this.readNum(linear, user) : this.read(linear, size === 16 ? 2 : 4, user)
  }

  write8(linear: number, value: number, user: boolean): void {
    this.cpu.memory.write(this.translate(linear, 'write', user), 1, value & 0xff)
  }

  write16(linear: number, value: number, user: boolean): void {
    this.write(linear, 2, value & 0xffff, user)
  }

  write32(linear: number, value: number, user: boolean): void {
    this.write(linear, 4, value >>> 0, user)
  }

  writeNum(linear: number, value: number, user: boolean): void {
    const top = this.wrap(linear + 4)
    this.translate(this.wrap(linear + 7), 'write', user)
    this.write(linear, 4, value >>> 0, user)
    this.write(top, 4, Math.floor(value / 4294967296) >>> 0, user)
  }

  writeSized(linear: number, size: 16 | 32 | 64, value: number, user: boolean): void {
    if (size === 64) this.writeNum(linear, value, user)
    else this.write(linear, size === 16 ? 2 : 4, size === 16 ? value & 0xffff : value >>> 0, user)
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
    return this.cpu.state.longMode ? linear : linear >>> 0
  }

  private gated(physical: number): number {
    const off = this.cpu.state.low(S.a20Mask) !== -1 && (Math.floor(physical / 0x10_0000) & 1) === 1
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
