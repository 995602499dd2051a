import { insertRows, type Family, type Version } from '../family.ts'
import { pcRows } from './rows.ts'

export const pcI440fx: Family = {
  name: 'pc-i440fx',
  doc: 'Standard PC (i440FX + PIIX, 1996)',
  alias: 'pc',
  versions: pcRows,
}

/** 4.0 split the interrupt controllers between kernel and emulator, which broke passed-through devices. */
const q35Rows: readonly Version[] = [
  {
    version: '4.0.1',
    from: '4.0',
    fix: 'interrupt controllers all in the kernel again: INTx of passed-through devices',
    knownTo: ['4.0.1', '4.1'],
    on: '2019-08-15',
    compat: {},
    board: { 'kernel-irqchip-split': 'off' },
  },
  { version: '4.0', compat: {}, board: { 'kernel-irqchip-split': 'on' } },
  { version: '3.1', compat: {}, board: { 'kernel-irqchip-split': 'off' } },
]

export const pcQ35: Family = {
  name: 'pc-q35',
  doc: 'Standard PC (Q35 + ICH9, 2009)',
  alias: 'q35',
  versions: insertRows(pcRows, q35Rows),
  noBoard: 'the board q35 (MCH and ICH9) is not modelled',
}
