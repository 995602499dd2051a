/** The configuration section: a description like any other, without a section's header and footer. */
import { fromLatin1, latin1 } from '@godwit/bits'
import type { Reader, Writer } from '@godwit/bits'
import { str8, sizedBuffer } from '../bytes.ts'
import { buffer, u32 } from '../codecs.ts'
import { varray } from '../compound.ts'
import { derived, inside } from '../field.ts'
import type { Subsection, VMState } from '../field.ts'
import { loadInner, saveInner } from '../vmstate.ts'
import type { Configuration } from './format.ts'

export interface ConfigurationState {
  len: number
  name: Uint8Array
  targetPageBits: number
  count: number
  capabilities: string[]
  uuid: Uint8Array
  /** Which subsections came, or are to be written. */
  has: { targetPageBits: boolean; capabilities: boolean; uuid: boolean }
}

const part = (what: string, flag: keyof ConfigurationState['has']): Subsection<ConfigurationState> => ({
  name: `configuration/${what}`,
  version: 1,
  needed: (s) => s.has[flag],
  preLoad: (s) => void (s.has[flag] = true),
})
const pageBits = part('target-page-bits', 'targetPageBits')
const capabilities = part('capabilities', 'capabilities')
const uuid = part('uuid', 'uuid')

const MAX_NAME = 255
const MAX_CAPABILITIES = 64

export const configurationState: VMState<ConfigurationState> = {
  name: 'configuration',
  version: 1,
  minVersion: 1,
  fields: {
    len: u32,
    name: sizedBuffer('len', MAX_NAME),
    targetPageBits: inside(pageBits, u32),
    count: inside(capabilities, u32),
    capabilities: inside(
      capabilities,
      varray<string[], string>(str8, 'count', MAX_CAPABILITIES, () => ''),
    ),
    uuid: inside(uuid, buffer(16)),
    has: derived('the subsections that came'),
  },
}

/** A configuration as the description holds it. */
export const configurationOf = (c: Configuration): ConfigurationState => ({
  len: c.machine.length,
  name: latin1(c.machine),
  targetPageBits: c.targetPageBits ?? 0,
  count: c.capabilities?.length ?? 0,
  capabilities: [...(c.capabilities ?? [])],
  uuid: c.uuid ?? new Uint8Array(16),
  has: {
    targetPageBits: c.targetPageBits !== undefined,
    capabilities: c.capabilities !== undefined,
    uuid: c.uuid !== undefined,
  },
})

export function saveConfiguration(c: Configuration, w: Writer): void {
  saveInner(configurationState, configurationOf(c), w, 1)
}

export function loadConfiguration(r: Reader): Configuration {
  const s = configurationOf({ machine: '' })
  loadInner(configurationState, s, r, 1)
  return {
    machine: fromLatin1(s.name),
    ...(s.has.targetPageBits ? { targetPageBits: s.targetPageBits } : {}),
    ...(s.has.capabilities ? { capabilities: s.capabilities } : {}),
    ...(s.has.uuid ? { uuid: s.uuid } : {}),
  }
}
