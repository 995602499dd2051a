/** Model-specific registers by name. Values are two halves (signed low and high words). SDM vol. 4; APM vol. 2, A. */
import type { CpuState } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import { GuestFault } from '../cpu.ts'
import { setEfer } from './control.ts'
import { canonical, type System } from './system.ts'

interface Msr {
  readonly name: string
  read(sys: System): bigint
  write(sys: System, value: bigint): void
}

const low = (v: bigint): number => Number(BigInt.asIntN(32, v))
const high = (v: bigint): number => Number(BigInt.asIntN(32, v >> 32n))
const signed = (v: bigint): number => Number(BigInt.asIntN(64, v))
const unsigned = (v: number): bigint => BigInt.asUintN(64, BigInt(v))

function linearOnly(value: bigint): number {
  const n = signed(value)
  if (!canonical(n)) throw new GuestFault(EXC.GP, 0)
  return n
}

/** A 64-bit field of the CPU area. */
const area = (name: string, at: number): Msr => ({
  name,
  read: (sys) => sys.state.big(at),
  write: (sys, v) => sys.state.setBig(at, v),
})
const address = (name: string, at: number): Msr => ({
  name,
  read: (sys) => sys.state.big(at),
  write: (sys, v) => sys.state.setNum(at, linearOnly(v)),
})
type BigKey = { [K in keyof CpuState]: CpuState[K] extends bigint ? K : never }[keyof CpuState]
const plain = (name: string, key: BigKey): Msr => ({
  name,
  read: (sys) => sys.state[key],
  write: (sys, v) => {
    sys.state[key] = v
  },
})
const constant = (name: string, value: bigint): Msr => ({ name, read: () => value, write: () => undefined })
const base = (name: string, segment: number): Msr => ({
  name,
  read: (sys) => sys.state.big(S.seg + 48 * segment),
  write: (sys, v) => sys.state.setSegBase(segment, linearOnly(v)),
})
const sysenter = (name: string, key: 'sysenterEsp' | 'sysenterEip'): Msr => ({
  name,
  read: (sys) => unsigned(sys.state[key]),
  write: (sys, v) => {
    sys.state[key] = signed(v)
  },
})

const table = new Map<number, Msr>([
  [0x10, { name: 'TSC', read: (sys) => sys.cpu.readTsc(), write: (sys, v) => sys.cpu.writeTsc(v) }],
  [
    0x1b,
    {
      name: 'APIC_BASE',
      read: (sys) => sys.cpu.apic?.readBase() ?? 0n,
      write: (sys, v) => sys.cpu.apic?.writeBase(v),
    },
  ],
  [0x3a, plain('FEATURE_CONTROL', 'featureControl')],
  [0x3b, plain('TSC_ADJUST', 'tscAdjust')],
  [0x34, { ...plain('SMI_COUNT', 'smiCount'), write: () => undefined }],
  // The revision of the microcode, as QEMU makes it up for either vendor.
  [
    0x8b,
    {
      name: 'BIOS_SIGN_ID',
      read: (sys) => (sys.cpu.model.vendor === 'AuthenticAMD' ? 0x0100_0065n : 0x1_0000_0000n),
      write: () => undefined,
    },
  ],
  [0x79, constant('BIOS_UPDT_TRIG', 0n)],
  [0xfe, constant('MTRRCAP', 0x508n)],
  [
    0x174,
    {
      name: 'SYSENTER_CS',
      read: (sys) => BigInt(sys.state.sysenterCs),
      write: (sys, v) => {
        sys.state.sysenterCs = low(v) & 0xffff
      },
    },
  ],
  [0x175, sysenter('SYSENTER_ESP', 'sysenterEsp')],
  [0x176, sysenter('SYSENTER_EIP', 'sysenterEip')],
  [0x179, { name: 'MCG_CAP', read: (sys) => sys.state.mcgCap, write: () => undefined }],
  [0x17a, plain('MCG_STATUS', 'mcgStatus')],
  [
    0x17b,
    {
      name: 'MCG_CTL',
      read: (sys) => (hasMcgCtl(sys) ? sys.state.mcgCtl : 0n),
      write: (sys, v) => {
        if (hasMcgCtl(sys) && (v === 0n || v === 0xffff_ffff_ffff_ffffn)) sys.state.mcgCtl = v
      },
    },
  ],
  // 1000 MHz and a ratio of 4, as QEMU reports it.
  [0x198, constant('PERF_STATUS', 1000n | ((4n * 1000n) << 32n))],
  [0x1a0, plain('MISC_ENABLE', 'miscEnable')],
  [0x277, { ...plain('PAT', 'pat'), write: (sys, v) => writePat(sys, v) }],
  [0x2ff, plain('MTRR_DEF_TYPE', 'mtrrDefType')],
  [0x6e0, plain('TSC_DEADLINE', 'tscDeadline')],
  [
    0xc000_0080,
    {
      name: 'EFER',
      read: (sys) => BigInt(sys.state.efer >>> 0),
      write: (sys, v) => setEfer(sys, low(v), high(v)),
    },
  ],
  [0xc000_0081, area('STAR', S.star)],
  [0xc000_0082, address('LSTAR', S.lstar)],
  [0xc000_0083, address('CSTAR', S.cstar)],
  [0xc000_0084, area('FMASK', S.fmask)],
  [0xc000_0100, base('FS_BASE', 4)],
  [0xc000_0101, base('GS_BASE', 5)],
  [0xc000_0102, address('KERNEL_GS_BASE', S.kernelGsBase)],
  [0xc000_0103, area('TSC_AUX', S.tscAux)],
])

const FIXED = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f]
FIXED.forEach((msr, i) =>
  table.set(
    msr,
    element(`MTRR_FIX_${msr.toString(16)}`, (s) => s.mtrrFixed, i),
  ),
)
for (let i = 0; i < 8; i++) {
  table.set(
    0x200 + 2 * i,
    element(`MTRR_PHYS_BASE${i}`, (s) => s.mtrrBase, i),
  )
  table.set(
    0x201 + 2 * i,
    element(`MTRR_PHYS_MASK${i}`, (s) => s.mtrrMask, i),
  )
}
for (let i = 0; i < 40; i++) {
  const bank = element(`MC${i >> 2}_${['CTL', 'STATUS', 'ADDR', 'MISC'][i & 3]!}`, (s) => s.mceBanks, i)
  // CTL takes all or nothing.
  const write = (sys: System, v: bigint): void => {
    if ((i & 3) !== 0 || v === 0n || v === 0xffff_ffff_ffff_ffffn) bank.write(sys, v)
  }
  table.set(0x400 + i, { ...bank, write })
}

function element(name: string, of: (state: CpuState) => BigUint64Array, i: number): Msr {
  return {
    name,
    read: (sys) => of(sys.state)[i]!,
    write: (sys, v) => {
      of(sys.state)[i] = v
    },
  }
}

const hasMcgCtl = (sys: System): boolean => (sys.state.mcgCap & 0x100n) !== 0n

/** Each byte a memory type: 0, 1, 4, 5, 6, 7. */
function writePat(sys: System, value: bigint): void {
  for (let i = 0n; i < 64n; i += 8n) {
    const type = Number((value >> i) & 0xffn)
    if (type > 7 || type === 2 || type === 3) throw new GuestFault(EXC.GP, 0)
  }
  sys.state.pat = value
}

/** Features without which a register is not there: it reads 0 then, and writes are dropped. */
const NEEDS = new Map<number, string>([
  [0xc000_0082, 'lm'],
  [0xc000_0083, 'lm'],
  [0xc000_0084, 'lm'],
  [0xc000_0100, 'lm'],
  [0xc000_0101, 'lm'],
  [0xc000_0102, 'lm'],
  [0xc000_0103, 'rdtscp'],
  [0x6e0, 'tsc-deadline'],
  [0x3b, 'tsc-adjust'],
])

const absent = (sys: System, msr: number): boolean => {
  const feature = NEEDS.get(msr)
  return feature !== undefined && !sys.cpu.model.has(feature)
}

/** RDMSR into S.result. A register that is not there reads 0, as under QEMU's TCG. */
export function readMsr(sys: System, msr: number): void {
  const { state, cpu } = sys
  const known = table.get(msr >>> 0)
  if (known === undefined || absent(sys, msr >>> 0)) {
    cpu.missing(`rdmsr ${(msr >>> 0).toString(16)}`)
    state.setPair(S.result, 0, 0)
  } else state.setBig(S.result, known.read(sys))
}

export function writeMsr(sys: System, msr: number, lowWord: number, highWord: number): void {
  const known = table.get(msr >>> 0)
  if (known === undefined || absent(sys, msr >>> 0)) {
    sys.cpu.missing(`wrmsr ${(msr >>> 0).toString(16)}`)
    return
  }
  known.write(sys, (BigInt(highWord >>> 0) << 32n) | BigInt(lowWord >>> 0))
}

/** Names by number, for tracing. */
export const msrName = (msr: number): string | undefined => table.get(msr >>> 0)?.name

/** Every register there is, ascending. */
export const msrNumbers = (): number[] => [...table.keys()].sort((a, b) => a - b)
