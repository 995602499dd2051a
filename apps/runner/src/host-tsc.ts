/** The rate of the host's TSC, which is the rate that a QEMU with TCG on this host gives its guests: docs/decisions/0008. */
import { readFileSync } from 'node:fs'

const MHZ = 1_000_000

/**
 * What Linux says of the host's TSC in /proc/cpuinfo, in Hz; undefined if it does not say. The "cpu MHz" is the rate of
 * the TSC where it cannot change, which the kernel knows of virtual processors; elsewhere it is the moment's clock, and
 * the nominal one in the model's name is nearer.
 */
export function tscRateIn(cpuinfo: string): number | undefined {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' ') ?? []
  if (!flags.includes('constant_tsc')) return undefined
  const mhz = /^cpu MHz\s*:\s*(\d+(?:\.\d+)?)$/m.exec(cpuinfo)?.[1]
  if (flags.includes('hypervisor') && mhz !== undefined) return rate(Number(mhz) * MHZ)
  const ghz = /^model name\s*:.*@ (\d+\.\d+)GHz/m.exec(cpuinfo)?.[1]
  return ghz === undefined ? undefined : rate(Number(ghz) * 1000 * MHZ)
}

const rate = (hz: number): number | undefined => (hz >= 100 * MHZ && hz <= 10_000 * MHZ ? Math.round(hz) : undefined)

/** Options of a machine: its TSC's rate, if the host tells its own. */
export function hostTscRate(): { tscHz?: number } {
  let cpuinfo: string
  try {
    cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return {}
  }
  const tscHz = tscRateIn(cpuinfo)
  return tscHz === undefined ? {} : { tscHz }
}
