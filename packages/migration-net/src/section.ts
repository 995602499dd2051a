/** A section's bytes, wherever its state is. */
import {
  describeDevice,
  loadSection,
  saveBytes,
  type DescribedDevice,
  type PartialReader,
  type VMState,
} from '@godwit/vmstate'
import type { DistantSection, MigratableSection } from './migratable.ts'

export type AnySection = MigratableSection | DistantSection

export const pathOf = (section: AnySection): string => `${section.idstr}/${section.instance}`

export function saved(section: AnySection): Uint8Array {
  if ('save' in section) return section.save()
  section.beforeSave?.()
  return saveBytes(section.vmstate as VMState<object>, section.state, section.version)
}

/** The same without `beforeSave`, and in vain. */
export function rehearsed(section: AnySection): void {
  if ('save' in section) section.save()
  else saveBytes(section.vmstate as VMState<object>, section.state, section.version)
}

export function described(section: AnySection): DescribedDevice {
  if ('describe' in section) return section.describe()
  return describeDevice(section.idstr, section.instance, section.vmstate as VMState<object>, section.state)
}

/** A failure leaves the state as it was. */
export function loaded(section: AnySection, reader: PartialReader, version: number): void {
  if ('load' in section) section.load(reader, version)
  else loadSection(section.vmstate as VMState<object>, section.state, reader, version)
}
