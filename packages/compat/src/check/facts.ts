/** Findings that rest on facts which no description shows. */
import type { Side } from './resolve.ts'
import type { Verdict } from './verdict.ts'

export function compareFacts(source: Side, destination: Side, types: readonly string[]): Verdict[] {
  return types.flatMap((type) => [
    ...virtqueues(source, destination, type),
    ...foreignStruct(source, destination, type),
  ])
}

function virtqueues(source: Side, destination: Side, type: string): Verdict[] {
  const from = source.build.devices[type]?.facts ?? {}
  const to = destination.build.devices[type]?.facts ?? {}
  const sent = Number(from['virtqueue.sent'] ?? queueOf(source, type))
  const own = queueOf(destination, type)
  if (to['virtqueue.checked'] !== 'yes' || own === undefined || !(sent > own)) return []
  const property = to['virtqueue.property'] ?? 'none'
  const curable = property !== 'none'
  const path = `${type} virtqueue`
  const reason =
    `${source.name} sends queues of ${sent} entries whatever the device was told, ` +
    `${destination.name} refuses more than the ${own} it has`
  // A driver may have made the queues of some devices shorter; what it never touched is sent at full length.
  if (!curable) {
    const remedy = `no option makes these queues longer: unplug the device, or go over a build that sends ${own}`
    return [{ kind: 'refused', code: 'virtqueue', path, reason, remedy }]
  }
  const condition = `when the guest's driver has set the queues to ${own} entries or less`
  const remedy = `start the destination with ${property}=${sent}`
  return [{ kind: 'fine-if', code: 'virtqueue', path, reason, condition, remedy }]
}

/** Entries of a device's queues, from a property or fixed. */
function queueOf(side: Side, type: string): number | undefined {
  const { 'virtqueue.own': own, 'virtqueue.property': property = 'none' } = side.build.devices[type]?.facts ?? {}
  if (own === undefined) return undefined
  if (own.startsWith('=')) return Number(own.slice(1))
  const value = side.resolve(type, property === 'none' ? own : property).value
  return value === null ? undefined : Number(value)
}

function foreignStruct(source: Side, destination: Side, type: string): Verdict[] {
  const [a, b] = [source, destination].map((s) => s.build.devices[type]?.facts?.['struct'])
  if ((a !== 'foreign' && b !== 'foreign') || source.build.release === destination.build.release) return []
  const which = b === 'foreign' ? destination : source
  return [
    {
      ...{ kind: 'refused', code: 'foreign-struct', path: type },
      reason:
        `${which.name} describes ${type} over the bytes of another structure, so what is sent depends on the binary; ` +
        'the destination dies of it or takes nonsense, which no description shows',
      remedy: `use a device that is described rightly (VGA, or isa-cirrus-vga), or stay within one release`,
    },
  ]
}
