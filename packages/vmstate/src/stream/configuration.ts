/** The configuration section: a description like any other, without a section's header and footer. */
import { fromLatin1, latin1 } from '@godwit/bits'
import type { Reader, Writer } from '@godwit/bits'
import { str8, sizedBuffer } from '../bytes.ts'
import { buffer, u32 } from '../codecs.ts'
import { varray } from '../compound.ts'
import { born, derived, inside, named } from '../field.ts'
import type { Subsection, VMState } from '../field.ts'
import { load, saveInner } from '../vmstate.ts'
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

const part = (
  what: string,
  life: Pick<Subsection<ConfigurationState>, 'born' | 'gate' | 'when'>,
  flag: keyof ConfigurationState['has'],
): Subsection<ConfigurationState> => ({
  name: `configuration/${what}`,
  version: 1,
  ...life,
  needed: (s) => s.has[flag],
  preLoad: (s) => void (s.has[flag] = true),
})
const pageBits = part(
  'target-page-bits',
  { born: '2.8', when: 'the target page size is not the architecture minimum/legacy value' },
  'targetPageBits',
)
const capabilities = part(
  'capabilities',
  { born: '4.0', when: 'any capability in the checked set (e.g. x-ignore-shared) is on' },
  'capabilities',
)
const uuid = part(
  'uuid',
  {
    born: '4.2',
    gate: { type: 'migration', property: 'x-validate-uuid', value: 'off', offFor: null },
    when: 'x-validate-uuid is on',
  },
  'uuid',
)

const MAX_NAME = 255
const MAX_CAPABILITIES = 64

export const configurationState: VMState<ConfigurationState> = {
  name: 'configuration',
  version: 1,
  minVersion: 1,
  life: { born: '2.4', gate: { type: 'migration', property: 'send-configuration', value: 'off', offFor: '2.3' } },
  fields: {
    len: u32,
    name: sizedBuffer('len', MAX_NAME),
    targetPageBits: inside(pageBits, named('target_page_bits', u32)),
    count: inside(capabilities, named('caps_count', u32)),
    capabilities: inside(
      capabilities,
      varray<string[], string>(str8, 'count', MAX_CAPABILITIES, () => ''),
    ),
    uuid: inside(uuid, born('2.5', named('uuid.data', buffer(16)))),
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
  load(configurationState, s, r, 1)
  return {
    machine: fromLatin1(s.name),
    ...(s.has.targetPageBits ? { targetPageBits: s.targetPageBits } : {}),
    ...(s.has.capabilities ? { capabilities: s.capabilities } : {}),
    ...(s.has.uuid ? { uuid: s.uuid } : {}),
  }
}
