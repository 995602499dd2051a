import { expect, test } from 'vitest'
import { profileReport } from './profile-report.ts'

const insn = (code: string, text: string) => ({ name: text, code, text, leads: true, lasts: true })

test('The block with most instructions comes first, though another ran more often, and addresses are of their width', () => {
  const report = profileReport([
    { count: 30, mode: 17, rip: -0x7e00_0000, insns: [insn('c3', 'ret')] },
    {
      count: 10,
      mode: 11,
      rip: 0x7c00,
      insns: [insn('01c8', 'add eax,ecx'), insn('ffc9', 'dec ecx'), insn('75fa', 'jne 0x7c00')],
    },
    // met again after it was overwritten by the same
    {
      count: 10,
      mode: 11,
      rip: 0x7c00,
      insns: [insn('01c8', 'add eax,ecx'), insn('ffc9', 'dec ecx'), insn('75fa', 'jne 0x7c00')],
    },
  ])
  expect(report.split('\n')).toEqual([
    '90 instructions in 2 blocks; the first 2 have 100.00 % of them',
    '',
    '1. 66.67 %, 66.67 % so far: ran 20 times, 32 bits',
    '  00007c00  01c8                   add eax,ecx',
    '  00007c02  ffc9                   dec ecx',
    '  00007c04  75fa                   jne 0x7c00',
    '',
    '2. 33.33 %, 100.00 % so far: ran 30 times, 64 bits',
    '  ffffffff82000000  c3                     ret',
    '',
  ])
})
