/** The ledger of this Godwit. */
import * as definitions from '@godwit/devices'
import { createMachine, families } from '@godwit/machines'
import { configurationState, type AnyVMState } from '@godwit/vmstate'
import { ledgerOfHistory, type HistoryEntry } from './history.ts'
import { ledgerOf, merged, type Ledger } from './ledger.ts'

/** Every description of the repository: of the devices, of the boards' other sections, and of the stream's head. */
export function ourDescriptions(): AnyVMState[] {
  const all = new Set<AnyVMState>([configurationState])
  for (const family of families) {
    const machine = createMachine({ type: family.alias, memoryBytes: 2 ** 24, incoming: true, time: {} })
    for (const section of machine.sections) all.add(section.vmstate)
  }
  for (const definition of Object.values(definitions as Record<string, unknown>)) {
    if (hasState(definition) && typeof definition.vmstate !== 'string') all.add(definition.vmstate)
  }
  return [...all]
}

export const ourLedger = (): Ledger => ledgerOf(ourDescriptions())

/** With what the history knows besides, also of devices that Godwit does not have. */
export const wholeLedger = (history: readonly HistoryEntry[]): Ledger => merged(ourLedger(), ledgerOfHistory(history))

function hasState(value: unknown): value is { vmstate: AnyVMState | 'stateless' } {
  return typeof value === 'object' && value !== null && 'vmstate' in value && 'create' in value
}
