/** The options of `godwit run`, one row each: what is accepted, and what help prints. */
import { nearest } from '@godwit/bits'
import type { SerialPlace, SocketPlace } from './places.ts'
import { parseSerial, parseSocket } from './places.ts'
import { UsageError } from './usage-error.ts'

export interface RunOptions {
  machine: string
  machineProps: Record<string, string>
  cpu: string
  memoryBytes: number
  kernel?: string
  initrd?: string
  append?: string
  bios?: string
  firmware?: 'direct' | 'seabios'
  serial?: SerialPlace
  qmp?: SocketPlace | { readonly kind: 'stdio' }
  incoming?: string
  stopped: boolean
  /** ns an instruction takes; undefined for real time. */
  nsPerInstruction?: number
  stats: boolean
  /** File for counts of blocks. */
  profile?: string
  hotCode?: string
  /** Compile hot code: off, on, or always (everything when it first runs). */
  tier1?: 'off' | 'on' | 'always'
  /** The machine has a thread of its own. */
  thread: boolean
  debugPorts: boolean
  noShutdown: boolean
  noReboot: boolean
  nographic: boolean
  name?: string
  uuid?: string
  pidfile?: string
}

export const defaultOptions = (): RunOptions => ({
  machine: 'pc',
  machineProps: {},
  cpu: 'qemu64',
  memoryBytes: 128 << 20,
  stopped: false,
  stats: false,
  thread: true,
  debugPorts: false,
  noShutdown: false,
  noReboot: false,
  nographic: false,
})

interface Row {
  /** Spellings without dashes; the first is printed. */
  readonly names: readonly string[]
  /** What follows; absent for a switch. In brackets: may be left out. */
  readonly value?: string
  /** Absent: accepted because QEMU's command lines have it, not shown. */
  readonly doc?: string
  set(options: RunOptions, value: string): void
}

const only =
  (option: string, ...right: readonly string[]) =>
  (_: RunOptions, value: string): void => {
    if (!right.includes(value.split(',')[0]!)) {
      throw new UsageError(`-${option} ${value}: only ${right.map((r) => `"${r}"`).join(' or ')} is there`)
    }
  }
const nothing = (): void => undefined

function setAccelerator(options: RunOptions, value: string): void {
  const [name, ...rest] = value.split(',')
  only('accel', 'tcg', 'godwit')(options, name!)
  for (const setting of rest) {
    const [key, choice] = setting.split('=')
    if (key === 'tier1') {
      if (choice !== 'off' && choice !== 'on' && choice !== 'always')
        throw new UsageError(`-accel ${value}: tier1 is off, on or always`)
      options.tier1 = choice
    } else if (key === 'thread') {
      // QEMU's "single" and "multi" say how many processors share a thread: with one processor they are the same
      if (!['off', 'on', 'single', 'multi'].includes(choice ?? ''))
        throw new UsageError(`-accel ${value}: thread is on or off`)
      options.thread = choice !== 'off'
    }
  }
}

export const rows: readonly Row[] = [
  {
    names: ['machine', 'M'],
    value: 'TYPE[,PROP=VALUE...]',
    doc: 'machine type and its properties; `godwit machines` lists the types (default pc, the newest)',
    set: (o, v) => {
      const [type, ...props] = v.split(',')
      for (const prop of [type!.includes('=') ? type! : `type=${type}`, ...props]) {
        const [key, ...value] = prop.split('=')
        if (key === 'type') o.machine = value.join('=')
        else if (key === 'accel') only('accel', 'tcg')(o, value.join('='))
        else if (key !== '') o.machineProps[key!] = value.join('=') || 'on'
      }
    },
  },
  {
    names: ['cpu'],
    value: 'MODEL[,FEATURE=on|off...]',
    doc: 'processor model (default qemu64)',
    set: (o, v) => (o.cpu = v),
  },
  {
    names: ['m', 'memory'],
    value: 'SIZE',
    doc: 'memory in MiB, or with a suffix: 128, 512M, 2G (default 128)',
    set: setMemory,
  },
  { names: ['kernel'], value: 'FILE', doc: 'Linux kernel (bzImage) to start', set: (o, v) => (o.kernel = v) },
  { names: ['initrd'], value: 'FILE', doc: 'initial RAM disk for the kernel', set: (o, v) => (o.initrd = v) },
  { names: ['append'], value: 'TEXT', doc: 'command line of the kernel', set: (o, v) => (o.append = v) },
  {
    names: ['bios'],
    value: 'FILE',
    doc: 'firmware image to start instead of the kernel itself',
    set: (o, v) => (o.bios = v),
  },
  {
    names: ['firmware'],
    value: 'direct|seabios',
    doc: 'direct: the kernel by the boot protocol (default with a kernel); seabios: the image installed on this host',
    set: (o, v) => {
      if (v !== 'direct' && v !== 'seabios') throw new UsageError(`--firmware ${v}: expected direct or seabios`)
      o.firmware = v
    },
  },
  { names: ['boot-direct'], doc: 'the same as --firmware direct', set: (o) => (o.firmware = 'direct') },
  {
    names: ['serial'],
    value: 'PLACE',
    doc: 'first serial port: stdio, null, file:PATH, unix:PATH[,server=on], tcp:HOST:PORT[,server=on] (default stdio)',
    set: (o, v) => {
      const place = parseSerial(v)
      if (o.serial === undefined) o.serial = place
      else if (place.kind !== 'null') throw new UsageError('-serial: this machine has one serial port')
    },
  },
  {
    names: ['qmp'],
    value: 'PLACE',
    doc: "QEMU's machine protocol: unix:PATH, tcp:HOST:PORT (listens), or stdio",
    set: (o, v) => (o.qmp = v === 'stdio' ? { kind: 'stdio' } : parseSocket('qmp', v, true)),
  },
  {
    names: ['incoming'],
    value: 'URI',
    doc: 'wait for a migration: tcp:HOST:PORT, unix:PATH, file:PATH, or defer until migrate-incoming',
    set: (o, v) => (o.incoming = v),
  },
  { names: ['S'], doc: 'do not start the guest', set: (o) => (o.stopped = true) },
  {
    names: ['icount'],
    value: '[shift=N]',
    doc: 'time counts instructions, 2^N ns each (default 2): equal inputs end in equal states',
    set: (o, v) => {
      const found = /^(?:(?:shift=)?(\d+))?(?:,.*)?$/.exec(v)
      const shift = Number(found?.[1] ?? 2)
      if (found === null || shift > 10) throw new UsageError(`--icount ${v}: expected shift=0 to shift=10`)
      o.nsPerInstruction = 2 ** shift
    },
  },
  {
    names: ['stats'],
    doc: 'figures of the run on stderr at its end; counting for them makes compiled code some per cent slower',
    set: (o) => (o.stats = true),
  },
  {
    names: ['profile'],
    value: 'FILE',
    doc: 'count executions of all code, a third slower, and write the hottest there at the end; all of it if FILE ends in .json',
    set: (o, v) => (o.profile = v),
  },
  {
    names: ['hot-code'],
    value: 'FILE',
    doc: 'write the compiled code that ran most there at the end, beside the guest code it was made from',
    set: (o, v) => (o.hotCode = v),
  },
  {
    names: ['debug-ports'],
    doc: "firmware's messages (port 0x402) on stderr, and exit by port 0x501",
    set: (o) => (o.debugPorts = true),
  },
  { names: ['no-reboot'], doc: 'end when the guest resets', set: (o) => (o.noReboot = true) },
  { names: ['no-shutdown'], doc: 'stay, stopped, when the guest powers off', set: (o) => (o.noShutdown = true) },
  {
    names: ['name'],
    value: 'TEXT',
    doc: 'name for query-name',
    set: (o, v) => (o.name = v.replace(/^guest=/, '').split(',')[0]!),
  },
  { names: ['uuid'], value: 'UUID', doc: 'UUID for query-uuid', set: (o, v) => (o.uuid = v) },
  { names: ['pidfile'], value: 'FILE', doc: 'write the process id there', set: (o, v) => (o.pidfile = v) },
  { names: ['nographic'], set: (o) => (o.nographic = true) },
  { names: ['nodefaults'], set: nothing },
  { names: ['no-user-config'], set: nothing },
  {
    names: ['accel'],
    value: 'NAME[,tier1=off|on|always][,thread=on|off]',
    doc: 'tcg or godwit; tier1: compile hot code (default), or everything when it first runs; thread: a thread of its own for the machine (default on), so that monitor and migrations do not wait for the guest',
    set: setAccelerator,
  },
  { names: ['display'], value: 'NAME', set: only('display', 'none') },
  { names: ['vga'], value: 'NAME', set: only('vga', 'none') },
  { names: ['monitor'], value: 'PLACE', set: only('monitor', 'none') },
  { names: ['parallel'], value: 'PLACE', set: only('parallel', 'none') },
  { names: ['net', 'nic'], value: 'NAME', set: only('nic', 'none') },
  { names: ['smp'], value: 'N', set: only('smp', '1', 'cpus=1') },
  { names: ['rtc'], value: 'base=utc', set: only('rtc', 'base=utc') },
  { names: ['boot'], value: 'ORDER', set: nothing },
  { names: ['msg'], value: 'timestamp=on', set: nothing },
]

const byName = new Map(rows.flatMap((row) => row.names.map((name) => [name, row] as const)))

/** Reads the arguments of `godwit run`. Throws UsageError. One dash or two are the same. */
export function parseRun(args: readonly string[]): RunOptions {
  const options = defaultOptions()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const found = /^--?([A-Za-z][A-Za-z-]*)(?:=(.*))?$/s.exec(arg)
    if (found === null) throw new UsageError(`"${arg}" is not an option; a kernel is given with --kernel`)
    const [, name, joined] = found
    const row = byName.get(name!)
    if (row === undefined) {
      const known = rows.filter((r) => r.doc !== undefined).flatMap((r) => r.names)
      const near = nearest(name!, known).map((n) => (n.length === 1 ? `-${n}` : `--${n}`))
      throw new UsageError(`no option ${arg.split('=')[0]}; the nearest are ${near.join(', ')}`)
    }
    if (row.value === undefined) {
      if (joined !== undefined) throw new UsageError(`option --${name} takes no value`)
      row.set(options, '')
      continue
    }
    const next = args[i + 1]
    if (joined !== undefined) {
      row.set(options, joined)
    } else if (row.value.startsWith('[') && (next === undefined || next.startsWith('-'))) {
      row.set(options, '')
    } else if (next === undefined) {
      throw new UsageError(`option ${arg} needs a value: ${row.value}`)
    } else {
      row.set(options, next)
      i++
    }
  }
  return checked(options)
}

function checked(o: RunOptions): RunOptions {
  if (o.kernel === undefined && o.bios === undefined && o.firmware !== 'seabios' && o.incoming === undefined) {
    throw new UsageError('nothing to run: give --kernel FILE, --bios FILE, or --incoming URI')
  }
  if (o.kernel === undefined && o.initrd !== undefined) throw new UsageError('--initrd needs --kernel')
  if (o.kernel === undefined && o.append !== undefined) throw new UsageError('--append needs --kernel')
  if (o.firmware === 'direct' && o.bios !== undefined) throw new UsageError('--firmware direct takes no --bios')
  if (o.firmware === 'direct' && o.kernel === undefined && o.incoming === undefined) {
    throw new UsageError('--firmware direct needs --kernel')
  }
  if (o.serial === undefined) o.serial = o.qmp?.kind === 'stdio' ? { kind: 'null' } : { kind: 'stdio' }
  if (o.serial.kind === 'stdio' && o.qmp?.kind === 'stdio') {
    throw new UsageError('--serial stdio and --qmp stdio: only one of them can have the terminal')
  }
  return o
}

function setMemory(o: RunOptions, value: string): void {
  const found = /^(?:size=)?(\d+(?:\.\d+)?)([kKmMgGtT]?)[bB]?(?:,.*)?$/.exec(value)
  if (found === null) throw new UsageError(`-m ${value}: expected a size, like 128, 512M or 2G`)
  const unit = 1024 ** ({ k: 1, m: 2, g: 3, t: 4 }[found[2]!.toLowerCase()] ?? 2)
  const bytes = Number(found[1]) * unit
  if (!Number.isInteger(bytes)) throw new UsageError(`-m ${value}: that is no whole number of bytes`)
  o.memoryBytes = bytes
}
