/** Hops between real QEMUs as they were measured in the lab (TCG, -cpu qemu64), to hold the checker against. */
import type { Build, CompatProperty } from '../build.ts'
import { check, type CheckOptions } from './check.ts'
import { bySeverity, worstOf, type Verdict } from './verdict.ts'

export interface MeasuredHop {
  /** What was run: "i440fx-base". */
  readonly setup: string
  readonly machine: string
  readonly devices: readonly string[]
  readonly guest: string
  readonly from: string
  readonly to: string
  readonly works: boolean
  /** What the destination said, for a failure. */
  readonly error?: string
  /** Code of the verdict that must be the reason. */
  readonly because?: string
  readonly startedInSource: boolean
  readonly multifd?: boolean
  readonly destinationOptions?: readonly CompatProperty[]
  /** Why the data alone cannot say it. */
  readonly explanation?: string
}

const RELEASES = ['5.2', '7.2', '10.0', '11.1']
const CHAIN = ['5.2', '7.2', '10.0', '11.1', '10.0', '7.2', '5.2']
const FULL = ['VGA', 'ide-hd', 'virtio-blk-pci', 'e1000', 'virtio-net-pci']
const SETUPS: Readonly<Record<string, readonly [machine: string, devices: readonly string[]]>> = {
  'i440fx-min': ['pc-i440fx-5.2', []],
  'i440fx-base': ['pc-i440fx-5.2', []],
  'i440fx-vga': ['pc-i440fx-5.2', ['VGA']],
  'i440fx-full': ['pc-i440fx-5.2', FULL],
  'q35-base': ['pc-q35-5.2', []],
  'q35-full': ['pc-q35-5.2', FULL],
}
const QUEUES = 'VQ 0 vring.num 1024 exceeds allocated max 256'

type Extra = Partial<MeasuredHop>

function hop(setup: string, guest: string, from: string, to: string, extra: Extra = {}): MeasuredHop {
  const [machine, devices] = SETUPS[setup] ?? [setup, []]
  return { setup, machine, devices, guest, from, to, works: true, startedInSource: true, ...extra }
}

/** One guest that goes through all releases and back: only for its first hop is the source where it was started. */
const chain = (setup: string): MeasuredHop[] =>
  CHAIN.slice(1).map((to, i) => hop(setup, 'Linux, one chain', CHAIN[i]!, to, { startedInSource: i === 0 }))

const pairs = (releases: readonly string[], make: (from: string, to: string) => MeasuredHop): MeasuredHop[] =>
  releases.flatMap((from) => releases.filter((to) => to !== from).map((to) => make(from, to)))

/** All pairs of a setup with virtio devices, of which one fails. */
const fullPairs = (setup: string, guest: string): MeasuredHop[] =>
  pairs(RELEASES, (from, to) =>
    from === '10.0' && to === '11.1'
      ? hop(setup, guest, from, to, { works: false, error: QUEUES, because: 'virtqueue' })
      : hop(setup, guest, from, to),
  )

const fails = (
  machine: string,
  devices: readonly string[],
  from: string,
  to: string,
  error: string,
  because: string,
  extra: Extra = {},
) => hop(machine, 'SeaBIOS', from, to, { devices, works: false, error, because, ...extra })

const RENAMED = "Unknown section or instance 'vga' 0"
const RENAMED_BACK = "Unknown savevm section or instance 'vga-isa' 0"
const SWITCHOVER = 'MIG_CMD 0xb unknown (len 0x0)'
const BIOS_SIZE = 'Size mismatch: pc.bios: 0x10000 != 0x20000'
const CRASH = 'no description shows it: a fact about isa-vga of 10.0 that the checker was told'

export const MEASURED: readonly MeasuredHop[] = [
  ...Object.keys(SETUPS).flatMap(chain),
  ...['i440fx-min', 'i440fx-base', 'i440fx-vga', 'q35-base'].flatMap((s) =>
    pairs(RELEASES, (a, b) => hop(s, 'SeaBIOS', a, b)),
  ),
  ...fullPairs('i440fx-full', 'SeaBIOS'),
  ...fullPairs('q35-full', 'SeaBIOS'),
  ...fullPairs('i440fx-full', 'Linux'),
  ...['pc-i440fx-7.2', 'pc-q35-7.2'].flatMap((m) =>
    pairs(['7.2', '10.0', '11.1'], (a, b) => hop(m, 'SeaBIOS', a, b, { devices: ['VGA', 'e1000', 'ide-hd'] })),
  ),
  ...['pc-i440fx-10.0', 'pc-q35-10.0'].flatMap((m) => pairs(['10.0', '11.1'], (a, b) => hop(m, 'SeaBIOS', a, b))),
  hop('pc-i440fx-5.2', 'Linux', '10.0', '11.1', {
    devices: ['virtio-blk-pci'],
    works: false,
    error: QUEUES,
    because: 'virtqueue',
  }),
  hop('pc-i440fx-5.2', 'Linux', '10.0', '11.1', {
    devices: ['virtio-blk-pci'],
    destinationOptions: [{ type: 'virtio-blk-device', property: 'queue-size', value: '1024' }],
  }),
  ...['isapc', 'pc-i440fx-5.2'].flatMap((m) => [
    ...['10.0', '5.2'].map((from) => fails(m, ['isa-vga'], from, '11.1', RENAMED, 'section-renamed')),
    ...['10.0', '5.2'].map((to) => fails(m, ['isa-vga'], '11.1', to, RENAMED_BACK, 'section-renamed')),
  ]),
  ...['10.0', '7.2', '5.2'].map((to) =>
    fails('pc-i440fx-5.2', ['isa-vga'], '10.0', to, 'the destination dies', 'foreign-struct', { explanation: CRASH }),
  ),
  ...['5.2', '7.2'].flatMap((from) =>
    ['5.2', '7.2', '10.0'].map((to) => hop('pc-i440fx-5.2', 'SeaBIOS', from, to, { devices: ['isa-vga'] })),
  ),
  fails('isapc', [], '10.0', '7.2', SWITCHOVER, 'protocol'),
  fails('isapc', [], '11.1', '5.2', SWITCHOVER, 'protocol'),
  fails('isapc', [], '7.2', '5.2', 'Failed to load pckbd:kbd', 'subsection-unknown'),
  fails('microvm', [], '7.2', '10.0', BIOS_SIZE, 'ram-resized'),
  fails('microvm', [], '10.0', '7.2', BIOS_SIZE, 'ram-resized'),
  fails('microvm', [], '5.2', '11.1', BIOS_SIZE, 'ram-resized'),
  fails('microvm', [], '11.1', '5.2', BIOS_SIZE, 'ram-resized'),
  fails('microvm', [], '7.2', '5.2', "Unknown savevm section or instance 'ioapic' 1", 'section-missing'),
  ...pairs(RELEASES, (a, b) => hop('pc-i440fx-5.2', 'SeaBIOS', a, b, { devices: ['cirrus-vga'] })).filter(
    ({ from, to }) => Math.abs(RELEASES.indexOf(from) - RELEASES.indexOf(to)) !== 2,
  ),
  hop('pc-i440fx-5.2', 'Linux, multifd', '11.1', '5.2', { multifd: true }),
  hop('pc-i440fx-5.2', 'Linux, multifd', '5.2', '11.1', { multifd: true }),
]

export interface Comparison {
  readonly hop: MeasuredHop
  readonly verdicts: readonly Verdict[]
  /** "works" also for a migration that depends on a rare state, and for one into other hardware. */
  readonly computed: 'works' | 'fails'
  readonly agrees: boolean
}

/** Computes each measured hop from the builds' data. `buildOf` gives the build of a release ("10.0"). */
export function compareMeasured(buildOf: (release: string) => Build): Comparison[] {
  return MEASURED.map((hop) => {
    const { devices, startedInSource, multifd = false, destinationOptions = [] } = hop
    const options: CheckOptions = { devices, startedInSource, multifd, destinationOptions }
    const verdicts = check(buildOf(hop.from), buildOf(hop.to), hop.machine, options).sort(bySeverity)
    // A guest with a driver of its own queue sizes is the only measured one whose condition was not met.
    const unmet = verdicts.some((v) => v.code === 'virtqueue' && v.kind === 'fine-if')
    const kind = worstOf(verdicts)
    const computed = kind === 'refused' || kind === 'unreachable' || unmet ? 'fails' : 'works'
    const reason = hop.because === undefined || verdicts.some((v) => v.code === hop.because)
    return { hop, verdicts, computed, agrees: (computed === 'works') === hop.works && reason }
  })
}
