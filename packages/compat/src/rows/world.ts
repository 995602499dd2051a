import { takesFromMachine } from '@godwit/cpu-x86'
import {
  BOARD_VALUES,
  knownFamilies,
  MIGRATION_PROPS,
  newestRelease,
  nextRelease,
  WITHOUT_EFFECT,
} from '@godwit/machines'
import type { RowWorld } from './check.ts'
import type { Frozen } from './frozen.ts'
import { ourDevices } from './our-devices.ts'

/** The tables as they are, held against what was frozen. */
export function presentWorld(frozen: Frozen): RowWorld {
  const released = newestRelease().version
  return {
    families: knownFamilies,
    devices: ourDevices(),
    frozen,
    released,
    next: nextRelease(released),
    withoutEffect: WITHOUT_EFFECT,
    boardValues: BOARD_VALUES,
    migrationProps: MIGRATION_PROPS,
    takesFromMachine,
  }
}
