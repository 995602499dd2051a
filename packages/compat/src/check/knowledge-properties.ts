/** Properties that the guest cannot see, and those that the destination compares with its own when it loads. */

/** Differences here change configuration space, which is compared on load. */
export const CHECKED_ON_LOAD: ReadonlySet<string> = new Set([
  'vectors',
  'msix-exclusive-bar',
  'x-pcie-err-unc-mask',
  'x-pcie-lnksta-dllla',
  'page-per-vq',
])

/** By property, on any type. */
const NEUTRAL = new Set<string>(['rombar', 'romsize'])

/** By type and property. */
const NEUTRAL_AT = new Set<string>([])

export const isNeutral = (type: string, property: string): boolean =>
  NEUTRAL.has(property) || NEUTRAL_AT.has(`${type}.${property}`)
