/** What is wrong with the tables of machine versions, and what to do about each. */
import type { Family } from '@godwit/machines'
import { checkAliases, checkBudget, checkOrder } from './check-shape.ts'
import { checkDefaults, checkFrozen, checkOpenRow } from './check-released.ts'
import { checkProperties } from './check-properties.ts'
import type { Frozen } from './frozen.ts'
import type { OurDevice } from './our-devices.ts'

export interface RowFinding {
  /** The row or the table: "pc-i440fx-11.0". */
  readonly where: string
  readonly what: string
  readonly remedy: string
}

/** Everything the checks look at; tests give other worlds. */
export interface RowWorld {
  readonly families: readonly Family[]
  readonly devices: readonly OurDevice[]
  readonly frozen: Frozen
  /** The newest release that is out, and the one after it. */
  readonly released: string
  readonly next: string
  /** Reasons for properties that no device of ours has, by "type.property". */
  readonly withoutEffect: Readonly<Record<string, string>>
  readonly boardValues: Readonly<Record<string, string>>
  readonly migrationProps: readonly string[]
  takesFromMachine(property: string): boolean
}

export const rowFindingText = ({ where, what, remedy }: RowFinding): string => `${where}: ${what}\n  remedy: ${remedy}`

export function checkRows(world: RowWorld): RowFinding[] {
  const all = [checkOrder, checkAliases, checkBudget, checkProperties, checkFrozen, checkOpenRow, checkDefaults]
  const found = all.flatMap((check) => check(world))
  // The families share their rows: what is wrong in both is told once.
  const seen = new Map<string, RowFinding>()
  for (const finding of found) {
    const key = finding.what + finding.remedy
    const before = seen.get(key)
    seen.set(key, before === undefined ? finding : { ...finding, where: `${before.where}, ${finding.where}` })
  }
  return [...seen.values()]
}
