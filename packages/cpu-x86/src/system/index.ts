/** Runtime functions of the system instructions. 64-bit values come as two i32, low and high. */
import { I32 } from '@godwit/wasm-encoder'
import { ts, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { CR0, CR4, FLAG } from '../cpu-state.ts'
import { GuestFault } from '../cpu.ts'
import { EXC, S } from '../state.ts'
import { clearTs, halt, invalidatePage, loadMsw, moveFromCr, moveFromDr, moveToCr, moveToDr } from './control.ts'
import { cpuid } from './cpuid.ts'
import { callFar, jumpFar, returnFar } from './far.ts'
import { deliver, softwareInterrupt } from './interrupts.ts'
import { interruptReturn } from './iret.ts'
import { readMsr, writeMsr } from './msr.ts'
import { portIn, portOut } from './ports.ts'
import { inspect, limitOf, lldt, loadSegment, ltr, requireCpl0 } from './segments.ts'
import { leaveSmm } from './smm.ts'
import { systemCall, systemEnter, systemExit, systemReturn } from './syscall.ts'
import { systemOf, type System, type Width } from './system.ts'

/** A function that may throw GuestFault: 0 when it did not. */
const may = (parameters: number, run: (sys: System, ...args: number[]) => void): RuntimeFunction =>
  ts(
    Array.from({ length: parameters }, () => I32),
    [I32],
    (cpu) => {
      const sys = systemOf(cpu)
      return (a, b, c, d) => {
        run(sys, a, b, c, d)
        return 0
      }
    },
  )

const join = (low: number, high: number): number => high * 4294967296 + (low >>> 0)
const width = (size: number): Width => size as Width

/** Time stamp into S.result. */
function readTime(sys: System): void {
  const { state, cpu } = sys
  if ((state.cr4 & CR4.TSD) !== 0 && state.cpl !== 0) throw new GuestFault(EXC.GP, 0)
  cpu.storeTsc(S.result)
}

/** Descriptor tables: limit, and base in two halves, cut to 24 bits for 16-bit operands by the caller. */
function loadTable(
  sys: System,
  base: number,
  limit: number,
  ...value: [limit: number, low: number, high: number]
): void {
  requireCpl0(sys)
  sys.state.setWord(limit, value[0])
  sys.state.setPair(base, value[1], value[2])
}

export const SYSTEM_FUNCTIONS: RuntimeFunctions = {
  attend: ts([], [], (cpu) => () => cpu.attend()),
  mov_to_cr: may(3, (sys, n, low, high) => moveToCr(sys, n, low, high)),
  mov_from_cr: may(1, (sys, n) => moveFromCr(sys, n)),
  mov_to_dr: may(3, (sys, n, low, high) => moveToDr(sys, n, low, high)),
  mov_from_dr: may(1, (sys, n) => moveFromDr(sys, n)),
  lmsw: may(1, (sys, value) => loadMsw(sys, value)),
  clts: may(0, clearTs),
  load_segment: may(2, (sys, i, selector) => {
    if (i === 1 || i > 5) throw new GuestFault(EXC.UD)
    loadSegment(sys, i, selector & 0xffff)
    if (i === 2) sys.state.setWord(S.shadow, 1)
  }),
  lldt: may(1, (sys, selector) => lldt(sys, selector & 0xffff)),
  ltr: may(1, (sys, selector) => ltr(sys, selector & 0xffff)),
  lgdt: may(3, (sys, limit, low, high) => loadTable(sys, S.gdtBase, S.gdtLimit, limit, low, high)),
  lidt: may(3, (sys, limit, low, high) => loadTable(sys, S.idtBase, S.idtLimit, limit, low, high)),
  /** SLDT, STR and the four that inspect descriptors are not there in real mode and V86. */
  need_protected: may(0, (sys) => {
    if (!sys.state.protectedMode) throw new GuestFault(EXC.UD)
  }),
  /** S.result: whether it may be seen, and what LAR gives. */
  lar: may(1, (sys, selector) => {
    const d = inspect(sys, selector, 'lar')
    sys.state.setPair(S.result, d === undefined ? 0 : 1, d === undefined ? 0 : d.high & 0x00f0_ff00)
  }),
  lsl: may(1, (sys, selector) => {
    const d = inspect(sys, selector, 'lsl')
    sys.state.setPair(S.result, d === undefined ? 0 : 1, d === undefined ? 0 : limitOf(d))
  }),
  verr: may(1, (sys, selector) => sys.state.setWord(S.result, inspect(sys, selector, 'verr') === undefined ? 0 : 1)),
  verw: may(1, (sys, selector) => sys.state.setWord(S.result, inspect(sys, selector, 'verw') === undefined ? 0 : 1)),

  jmp_far: may(4, (sys, selector, low, high, size) => jumpFar(sys, selector & 0xffff, join(low, high), width(size))),
  call_far: may(4, (sys, selector, low, high, size) => callFar(sys, selector & 0xffff, join(low, high), width(size))),
  ret_far: may(2, (sys, size, drop) => returnFar(sys, width(size), drop)),
  iret: may(1, (sys, size) => interruptReturn(sys, width(size))),
  int_n: may(1, (sys, vector) => softwareInterrupt(sys.cpu, vector)),
  /** INT3 and INTO: V86's IOPL does not matter. */
  int_trap: may(1, (sys, vector) => deliver(sys, vector, 'software')),
  icebp: may(0, (sys) => deliver(sys, EXC.DB, 'exception')),
  syscall: may(0, systemCall),
  sysret: may(1, (sys, size) => systemReturn(sys, width(size))),
  sysenter: may(0, systemEnter),
  sysexit: may(1, (sys, size) => systemExit(sys, width(size))),
  rsm: may(0, leaveSmm),

  hlt: may(0, halt),
  monitor: may(1, (sys, ecx) => {
    if (!sys.cpu.model.has('monitor') || sys.state.cpl !== 0) throw new GuestFault(EXC.UD)
    if (ecx !== 0) throw new GuestFault(EXC.GP, 0)
  }),
  mwait: may(1, (sys, ecx) => {
    if (!sys.cpu.model.has('monitor') || sys.state.cpl !== 0) throw new GuestFault(EXC.UD)
    if ((ecx & ~1) !== 0) throw new GuestFault(EXC.GP, 0)
    // Waking with IF clear is not a halt: it would never end. Going on at once is allowed.
    if ((sys.state.systemFlags & FLAG.IF) !== 0) halt(sys)
  }),
  invlpg: may(3, (sys, segment, low, high) => invalidatePage(sys, segment, low, high)),
  cpl0: may(0, requireCpl0),

  /** Four results in S.result. */
  cpuid: ts([I32, I32], [], (cpu) => {
    const { state } = cpu
    return (leaf, sub) => {
      const [a, b, c, d] = cpuid(cpu, leaf, sub)
      state.setPair(S.result, a, b)
      state.setPair(S.result + 8, c, d)
    }
  }),
  rdmsr: may(1, (sys, msr) => {
    requireCpl0(sys)
    readMsr(sys, msr)
  }),
  wrmsr: may(3, (sys, msr, low, high) => {
    requireCpl0(sys)
    writeMsr(sys, msr, low, high)
  }),
  rdtsc: may(0, readTime),
  rdtscp: may(0, (sys) => {
    if (!sys.cpu.model.has('rdtscp')) throw new GuestFault(EXC.UD)
    readTime(sys)
  }),
  rdpmc: may(0, (sys) => {
    if ((sys.state.cr4 & CR4.PCE) === 0 && (sys.state.cr0 & CR0.PE) !== 0) requireCpl0(sys)
    sys.cpu.missing('rdpmc')
    throw new GuestFault(EXC.UD)
  }),

  /** port, bits: the value lies in S.result. */
  port_in: may(2, (sys, port, bits) => portIn(sys, port & 0xffff, bits)),
  /** port, bits, value. */
  port_out: may(3, (sys, port, bits, value) => portOut(sys, port & 0xffff, bits, value)),
}
