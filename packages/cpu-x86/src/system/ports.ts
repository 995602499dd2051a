/** Port input and output with its permission checks. SDM vol. 1, 19.5. */
import { GuestFault } from '../cpu.ts'
import { TR, typeOf } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import type { System } from './system.ts'

/** Throws #GP(0) unless the I/O permission bitmap allows every port of the access. */
function checkBitmap(sys: System, port: number, bytes: number): void {
  const { state, linear } = sys
  const refuse = (): never => {
    throw new GuestFault(EXC.GP, 0)
  }
  const flags = state.segFlags(TR)
  const limit = state.segLimit(TR)
  if ((flags & 0x8000) === 0 || (typeOf(flags) & 13) !== 9 || limit < 103) refuse()
  const base = state.segBase(TR)
  const at = linear.read16(linear.wrap(base + 102), false) + (port >> 3)
  if (at + 1 > limit) refuse()
  const bits = linear.read16(linear.wrap(base + at), false) >> (port & 7)
  if ((bits & ((1 << bytes) - 1)) !== 0) refuse()
}

export function checkPort(sys: System, port: number, bytes: number): void {
  const { state } = sys
  if ((state.cr0 & 1) !== 0 && (state.cpl > state.iopl || state.v86)) checkBitmap(sys, port, bytes)
}

/** The value lies in S.result. */
export function portIn(sys: System, port: number, bits: number): void {
  const bytes = (bits >> 3) as 1 | 2 | 4
  checkPort(sys, port, bytes)
  sys.state.setWord(S.result, sys.cpu.ports.read(port, bytes))
}

export function portOut(sys: System, port: number, bits: number, value: number): void {
  const bytes = (bits >> 3) as 1 | 2 | 4
  checkPort(sys, port, bytes)
  sys.cpu.ports.write(port, bytes, value >>> 0)
}
