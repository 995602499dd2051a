/** The devices of this Godwit, as compat properties see them. */
import * as definitions from '@godwit/devices'
import type { Props } from '@godwit/hw'
import { parentsOf } from '@godwit/machines'

export interface OurDevice {
  /** QEMU's type name. */
  readonly type: string
  readonly props: Props
  /** Nearest first. */
  readonly parents: readonly string[]
}

export function ourDevices(): OurDevice[] {
  return Object.values(definitions as Record<string, unknown>)
    .filter(isDefinition)
    .map(({ type, props }) => ({ type, props, parents: parentsOf(type) }))
    .sort((a, b) => (a.type < b.type ? -1 : 1))
}

function isDefinition(value: unknown): value is { readonly type: string; readonly props: Props } {
  return typeof value === 'object' && value !== null && 'type' in value && 'props' in value && 'create' in value
}

/** Devices of a type or below it that have the property. */
export const holdersOf = (devices: readonly OurDevice[], type: string, property: string): OurDevice[] =>
  devices.filter((d) => (d.type === type || d.parents.includes(type)) && property in d.props)

/** A default as rows would write it. */
export function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return String(value)
}

/** Types that say where a device is plugged in, not what it is. */
const GENERIC = new Set(['device', 'bus', 'object', 'isa-device', 'sys-bus-device', 'pci-device', 'i2c-slave', 'cpu'])

/**
 * Types that have the property, are of the same kind as `type`, and that a row for `type` misses; with the parent that
 * would reach them all. `of` gives parents and properties, of our devices or of a QEMU's.
 */
export function missedBy(
  type: string,
  property: string,
  of: readonly { readonly type: string; readonly parents: readonly string[]; readonly has: readonly string[] }[],
): { readonly parent: string; readonly missed: readonly string[] } | undefined {
  const self = of.find((t) => t.type === type)
  if (self === undefined) return undefined
  for (const parent of self.parents) {
    if (GENERIC.has(parent)) return undefined
    const missed = of.filter(
      (t) => t.type !== type && !t.parents.includes(type) && t.parents.includes(parent) && t.has.includes(property),
    )
    if (missed.length > 0) return { parent, missed: missed.map((t) => t.type) }
  }
  return undefined
}
