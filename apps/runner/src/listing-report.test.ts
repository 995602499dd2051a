import { expect, test } from 'vitest'
import { listingReport } from './listing-report.ts'

test('Each instruction stands beside the first line of what it became, and addresses are unsigned.', () => {
  const text = listingReport([
    {
      rip: -0x7eff_fff0,
      entries: 2,
      executed: 300,
      instructions: 2,
      wasmBytes: 9,
      prologue: ['i32.const 0'],
      blocks: [
        {
          entry: true,
          insns: [
            { rip: -0x7eff_fff0, text: 'add eax,ecx', wasm: ['local.get 3', 'i32.add'] },
            { rip: -0x7eff_ffee, text: 'ret', wasm: [] },
          ],
        },
      ],
    },
  ])
  expect(text.split('\n')).toEqual([
    '300 instructions in 1 regions that are there now; the first 1:',
    '',
    '1. 100.00 % at ffffffff81000010: entered 2 times, 150 instructions each; 2 instructions in 9 bytes',
    `${' '.repeat(50)}i32.const 0`,
    'entry',
    '  ffffffff81000010  add eax,ecx'.padEnd(50) + 'local.get 3',
    `${' '.repeat(50)}i32.add`,
    '  ffffffff81000012  ret',
    '',
  ])
})
