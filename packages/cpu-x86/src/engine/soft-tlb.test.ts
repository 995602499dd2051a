import { expect, test } from 'vitest'
import { bench, bytesOf, TABLES } from './testing.ts'

const CODE = 0x9000
/** Linear addresses of the same page. */
const ALIASES = [CODE, 0x80_0000 + CODE, 0xa0_0000 + CODE]

const hex32 = (n: number): string => Buffer.from(Uint32Array.of(n).buffer).toString('hex')
const store = (at: number, value: string): string => `c60425 ${hex32(at)} ${value}`
/** mov ecx, CODE; call rcx; add ebx, eax */
const CALL = `b9 ${hex32(CODE)} ffd1 01c3`

test.each([
  ['the first', [0, 1, 2], 0],
  ['the second', [0, 1, 2], 1],
  ['the last', [0, 1, 2], 2],
  ['the first of two', [0, 2], 0],
  ['the second of two', [0, 2], 2],
  ['the only', [1], 1],
  ['another', [1], 2],
  ['one that was written twice', [1, 2, 1], 1],
  ['one that was written between', [1, 2, 1], 2],
] as const)(
  'code is seen to change by whichever address its page was written through before: %s',
  (_, before, after) => {
    // Each of them was written through, so that each may be without asking, until there is code.
    const writes = before.map((i) => store(ALIASES[i]!, 'b0')).join('')
    const b = bench({ bits: 64, code: `31db 31c0 ${writes} ${CALL} ${store(ALIASES[after]! + 1, '05')} ${CALL} f4` })
    b.ram.write(TABLES + 0x2000 + 8 * 4, bytesOf('87'))
    b.ram.write(TABLES + 0x2000 + 8 * 4 + 2, bytesOf('00'))
    b.ram.write(TABLES + 0x2000 + 8 * 5, bytesOf('87'))
    b.ram.write(TABLES + 0x2000 + 8 * 5 + 2, bytesOf('00'))
    // mov al, 1; ret
    b.ram.write(CODE, bytesOf('b0 01 c3'))
    expect(b.processor.run(100).reason).toBe('halted')
    expect(b.reg(3)).toBe(6)
  },
)
