/** Findings that rest on facts which no description shows. */
import type { Side } from './resolve.ts'
import type { Verdict } from './verdict.ts'

/** `started` says whether the guest was powered on in the source, if that is known. */
export function compareFacts(source: Side, destination: Side, types: readonly string[], started?: boolean): Verdict[] {
  return types.flatMap((type) => [
    ...(started === false ? [] : virtqueues(source, destination, type, started)),
    ...foreignStruct(source, type),
  ])
}

function virtqueues(source: Side, destination: Side, type: string, started: boolean | undefined): Verdict[] {
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
  const arrived = `the guest was not started in ${source.name}: queues keep the length with which they arrived`
  // A driver may have made the queues of some devices shorter; what it never touched is sent at full length.
  const shorter = `the guest's driver has set the queues to ${own} entries or less`
  const conditions = [...(started === true ? [] : [arrived]), ...(curable ? [shorter] : [])]
  const remedy = curable
    ? `start the destination with ${type}.${property}=${sent}`
    : 'no option makes these queues longer: unplug the device, or migrate by a build that does not check'
  if (conditions.length === 0) return [{ kind: 'refused', code: 'virtqueue', path, reason, remedy }]
  const condition = `when ${conditions.join(', or when ')}`
  return [{ kind: 'fine-if', code: 'virtqueue', path, reason, condition, otherwise: 'refused', remedy }]
}

/** Entries of a device's queues, from a property or fixed. */
function queueOf(side: Side, type: string): number | undefined {
  const { 'virtqueue.own': own, 'virtqueue.property': property = 'none' } = side.build.devices[type]?.facts ?? {}
  if (own === undefined) return undefined
  if (own.startsWith('=')) return Number(own.slice(1))
  const value = side.resolve(type, property === 'none' ? own : property).value
  return value === null ? undefined : Number(value)
}

function foreignStruct(source: Side, type: string): Verdict[] {
  if (source.build.devices[type]?.facts?.['struct'] !== 'foreign') return []
  return [
    {
      ...{ kind: 'refused', code: 'foreign-struct', path: type },
      reason:
        `${source.name} describes ${type} over the bytes of another structure: the destination dies of what is sent, ` +
        'whatever its release, and no description shows it',
      remedy: 'use another display (VGA, cirrus-vga), or cold-start the guest elsewhere',
    },
  ]
}
