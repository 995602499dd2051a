/** What decides on a hop between QEMUs and stands in no dump: measured, or read from the behaviour of the releases. */
import { compareVersions, minorOf } from '@godwit/machines'

/**
 * - `virtqueue.sent`: length of every queue as it is sent, whatever the device was told.
 * - `virtqueue.checked`: "yes" where a receiver refuses a queue longer than its own.
 * - `virtqueue.property`: the property that makes the receiver's queues longer; "none" where nothing does.
 * - `virtqueue.own`: length of the queues without any option.
 * - `struct`: "foreign" where the section is written over the bytes of another structure.
 */
export const FACT_NAMES = [
  'virtqueue.sent',
  'virtqueue.checked',
  'virtqueue.property',
  'virtqueue.own',
  'struct',
] as const

interface Fact {
  readonly type: string
  /** First and last release it holds for; a last release of three numbers is that one alone. */
  readonly from?: string
  readonly until?: string
  readonly facts: Readonly<Record<string, string>>
}

const FACTS: readonly Fact[] = [
  { type: 'virtio-device', from: '10.0.13', until: '10.0.13', facts: { 'virtqueue.sent': '1024' } },
  { type: 'virtio-device', from: '11.1', facts: { 'virtqueue.checked': 'yes' } },
  { type: 'virtio-blk-device', facts: { 'virtqueue.property': 'queue-size', 'virtqueue.own': 'queue-size' } },
  { type: 'virtio-scsi-device', facts: { 'virtqueue.property': 'virtqueue_size', 'virtqueue.own': 'virtqueue_size' } },
  // The receive queue may be 1024 long, the transmit queue only 256 unless the backend is vhost-user.
  { type: 'virtio-net-device', facts: { 'virtqueue.property': 'none', 'virtqueue.own': 'tx_queue_size' } },
  { type: 'virtio-balloon-device', facts: { 'virtqueue.property': 'none', 'virtqueue.own': '=128' } },
  { type: 'virtio-serial-device', facts: { 'virtqueue.property': 'none', 'virtqueue.own': '=128' } },
  { type: 'virtio-rng-device', facts: { 'virtqueue.property': 'none', 'virtqueue.own': '=8' } },
  { type: 'virtio-input-device', facts: { 'virtqueue.property': 'none', 'virtqueue.own': '=64' } },
  { type: 'virtio-gpu-base', facts: { 'virtqueue.property': 'none', 'virtqueue.own': '=256' } },
  // 5.2 and 7.2 were measured to send it rightly, 10.0.13 to kill even its like.
  { type: 'isa-vga', from: '10.0', until: '10.2', facts: { struct: 'foreign' } },
]

/** Facts of a type and of what it inherits from; undefined if there are none. */
export function factsOf(
  type: string,
  parents: readonly string[],
  release: string,
): Readonly<Record<string, string>> | undefined {
  const chain = [type, ...parents]
  const found = FACTS.filter((f) => chain.includes(f.type) && holds(f, release))
  return found.length === 0 ? undefined : (Object.assign({}, ...found.map((f) => f.facts)) as Record<string, string>)
}

function holds({ from, until }: Fact, release: string): boolean {
  const exact = from !== undefined && from === until
  if (exact) return release === from
  const short = minorOf(release)
  return (
    (from === undefined || compareVersions(short, from) >= 0) &&
    (until === undefined || compareVersions(short, until) <= 0)
  )
}
