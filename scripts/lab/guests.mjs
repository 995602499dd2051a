/** The guests of the lab: what each needs on the command line, and how one sees that it lives. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildInitrd } from '../../guests/initrd.mjs'
import { fetchGuests, guestFile } from '../../guests/packages.mjs'
import { TickWatch } from '../ticks.mjs'
import { GODWIT, until } from './peers.mjs'

export const MACHINES = ['min', 'base']
/** @param {string} type version of pc-i440fx @param {string} machine bare, or as it is */
const machineOf = (type, machine) =>
  `pc-i440fx-${type}${machine === 'min' ? ',hpet=off,vmport=off,acpi=off,smm=off' : ''}`
const DIRTY_KIB = 256
const CPUS = {
  qemu64: { arch: 'amd64', kernel: 'vmlinuz-amd64', memory: 128 },
  pentium3: { arch: 'i386', kernel: 'vmlinuz-686', memory: 64 },
}

/** A timer interrupt came late, as it does where two guests and their hosts share a processor. */
const BUSY_HOST = /hrtimer: interrupt took|Long readout interval|read-back delay/
/** Kernel messages of level warning or worse, and those that say that a clock is not trusted any more. */
const COMPLAINT =
  /^<[0-4]>|unstable|Oops|BUG|lockup|stall|hung|blocked for more|Call Trace|panic|APIC error|spurious|nobody cared|[Ll]ost .*interrupt|went backwards|[Mm]achine check|segfault/

/**
 * A machine without HPET and ACPI leaves Linux nothing but the timer interrupt to measure its TSC with and to watch it by.
 * On a busy host both fail: an interrupt that comes 100 ms late looks like a TSC that ran away, and Linux counts
 * interrupts instead. So the bare machine's Linux is told the rate, which is the host's, and not to watch: our own clock
 * watches. With an HPET the same doubt comes where reading it takes 100 us.
 */
const DOUBTED = /'refined-jiffies' wd_nsec|read-back delay/
const OF_CLOCKS = /clocksource|tsc|TSC|sched_clock/

function tscOfHost() {
  const mhz = /^cpu MHz\s*:\s*([\d.]+)$/m.exec(existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '')
  return mhz === null ? '' : ` tsc_early_khz=${Math.round(Number(mhz[1]) * 1000)}`
}

/** The end of a guest, with what its kernel says of it. */
const TROUBLE = /(BUG:|Oops|segfault|Kernel panic|general protection)[^]{0,1500}/

/** Linux with guests/init, counting ticks: every lost tick and every damaged page breaks its chain of checksums. */
class Linux {
  constructor(folder, machine, cpu, type) {
    const { arch, kernel, memory } = CPUS[cpu]
    const initrd = join(folder, `initrd-${arch}`)
    writeFileSync(initrd, buildInitrd(arch))
    const watchless = machine === 'min' ? ` tsc=nowatchdog${tscOfHost()}` : ''
    const append = `console=ttyS0 quiet godwit.job=ticks godwit.dirty=${DIRTY_KIB} godwit.pause=0.2${watchless}`
    const kernelArgs = ['-kernel', guestFile(kernel), '-initrd', initrd, '-append', append]
    this.args = (kind) => [
      ...['-M', machineOf(type, machine), '-cpu', cpu, '-m', String(memory), ...kernelArgs],
      ...(kind === GODWIT ? ['-bios', guestFile('bios-256k.bin')] : []),
    ]
    this.memory = memory
  }

  /** A new life to follow; `saved` is what was known of it when it was saved. */
  life(saved) {
    const watch = new TickWatch(DIRTY_KIB)
    if (saved !== undefined) watch.last = saved.last
    const stamps = []
    let text = ''
    return {
      watch,
      stamps,
      onSerial: (piece) => {
        text += piece
        if (watch.feed(piece) > 0) {
          stamps.push({ tick: watch.last, uptime: watch.lastUptime, date: watch.lastDate, at: Date.now() })
        }
      },
      position: () => `tick ${watch.last}`,
      save: () => ({ last: watch.last }),
      booted: (peer) => this.wait(peer, watch, 6, 240_000),
      goesOn: (peer, ticks = 4) => this.wait(peer, watch, watch.last + ticks, 60_000),
      faults: () => [...watch.faults, ...(TROUBLE.exec(text) ?? [])],
      /** Has the guest print its log; returns what it says since an uptime. */
      log: async (peer, since) => {
        const from = text.length
        const asked = Date.now()
        peer.type('dmesg\n')
        await until(() => text.includes('@@DMESG end', from), 60_000, 'the guest does not print its log')
        const lines = [...text.slice(from).matchAll(/@@DMESG (.*?)\r?\n/g)].map((m) => m[1])
        const later = lines.filter((l) => Number(/^(?:<\d+>)?\[ *([\d.]+)\]/.exec(l)?.[1] ?? 0) > since)
        const clock = lines.find((l) => l.startsWith('clocksource ='))?.slice(14)
        const rtc = Number(lines.find((l) => l.startsWith('rtc = '))?.slice(6) ?? NaN)
        const heard = later.filter((l) => COMPLAINT.test(l) && !BUSY_HOST.test(l))
        const lateTicks = later.some((l) => DOUBTED.test(l)) ? heard.filter((l) => OF_CLOCKS.test(l)) : []
        const complaints = heard.filter((l) => !lateTicks.includes(l))
        return { clock, rtc: { seconds: rtc, asked, told: Date.now() }, messages: later, complaints, lateTicks }
      },
    }
  }

  wait(peer, watch, tick, ms) {
    return until(
      () => {
        if (peer.done !== undefined) throw new Error(`${peer.name} ended: ${peer.said()}`)
        return watch.last >= tick
      },
      ms,
      () => `${peer.name}: the guest does not reach tick ${tick}, it is at ${watch.last}`,
    )
  }
}

const BIOS_MIB = 32
const BIOS_TICKS = 0x46c
const TICKS_A_SECOND = 18.2065

/** SeaBIOS that finds nothing to boot and waits: its clock interrupt counts at 0x46c, 18.2 times a second. */
class Bios {
  constructor(folder, machine, cpu, type) {
    this.memory = BIOS_MIB
    this.args = (kind) => [
      ...['-M', machineOf(type, machine), '-cpu', cpu, '-m', String(this.memory)],
      ...(kind === GODWIT ? ['-bios', guestFile('bios-256k.bin')] : []),
    ]
  }

  life() {
    const faults = []
    let last = 0
    const read = async (peer) => {
      const answer = await peer.run('human-monitor-command', { 'command-line': `xp /1wx ${BIOS_TICKS}` })
      return Number(/: (0x[0-9a-f]+)/.exec(answer)?.[1] ?? NaN)
    }
    const advance = async (peer, by) => {
      if (peer.kind === GODWIT) {
        // its monitor shows no memory: it runs a while, and the next QEMU shows how far the clock has come
        await new Promise((r) => setTimeout(r, (by / TICKS_A_SECOND) * 1000))
        return
      }
      const before = await read(peer)
      if (before < last) faults.push(`the clock of the BIOS went back from ${last} to ${before}`)
      const goal = Math.max(before, last) + by
      await until(
        async () => (last = await read(peer)) >= goal,
        30_000,
        () => `${peer.name}: the clock of the BIOS stands at ${last}`,
      )
    }
    return {
      stamps: [],
      onSerial: () => undefined,
      position: () => `clock ${last}`,
      save: () => undefined,
      booted: async (peer) => {
        await new Promise((r) => setTimeout(r, 2000))
        await advance(peer, 10)
      },
      goesOn: (peer) => advance(peer, 20),
      faults: () => faults,
      log: () => Promise.resolve({ clock: undefined, rtc: undefined, messages: [], complaints: [], lateTicks: [] }),
    }
  }
}

export async function guestOf(kind, { folder, machine, cpu, type = '5.2', say }) {
  const linux = [CPUS[cpu].kernel, `busybox-${CPUS[cpu].arch}`]
  await fetchGuests(['bios-256k.bin', ...(kind === 'linux' ? linux : [])], say)
  return kind === 'linux' ? new Linux(folder, machine, cpu, type) : new Bios(folder, machine, cpu, type)
}
