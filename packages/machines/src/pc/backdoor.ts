import type { CpuState } from '@godwit/cpu-x86'
import type { BackdoorRegisters } from '@godwit/devices'

const NUMBERS = { eax: 0, ecx: 1, edx: 2, ebx: 3, esi: 6, edi: 7 } as const

/** The processor's registers as VMware's port reads and writes them: 32 bits each. */
export function backdoorOf(state: CpuState): BackdoorRegisters {
  const registers = {} as BackdoorRegisters
  for (const [name, n] of Object.entries(NUMBERS)) {
    Object.defineProperty(registers, name, {
      get: () => state.gprLow(n) >>> 0,
      set: (value: number) => state.setGpr32(n, value),
    })
  }
  return registers
}
