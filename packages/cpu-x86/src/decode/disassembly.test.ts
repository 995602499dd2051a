import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from './decode.ts'
import { disassemble } from './disassemble.ts'
import type { CodeSize } from './insn.ts'

/** Made by scripts/record-disassembly.py from binutils' objdump. */
const FIXTURE = gunzipSync(readFileSync(new URL('disassembly.fixture.txt.gz', import.meta.url))).toString()

const PREFIXES =
  /^(?:(?:data16|addr16|addr32|data32|cs|ds|es|ss|fs|gs|rex\.?[WRXB]*|repz|repnz|rep|repe|repne|bnd|xacquire|xrelease|notrack) )+/

const NOPS = /^(nop|prefetch\w*|endbr\d\d|bnd\w+|rdssp[dq]|cldemote)\b/
const STRING = /^(movs|cmps|scas|lods|stos|ins|outs) .*?(BYTE|WORD|DWORD|QWORD) PTR/
const COMPARES = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord']

/** What objdump spells differently. */
function theirs(text: string, mode: number): string {
  const t = text.replace(PREFIXES, '').replace(/,p[nt]\b/, '')
  if (NOPS.test(t)) return 'nop'
  const string = STRING.exec(t)
  if (string !== null) return string[1]! + string[2]![0]!.toLowerCase()
  return plain(
    t
      .replace(/\bst\(0\)/g, 'st')
      .replace(/\+[er]iz\*\d/, '')
      .replace(/^(push|pop|pushf|popf|ret|retf|call|jmp|iret|sysret|sysexit|leave|enter|[sl][gi]dt)[wdq]\b/, '$1')
      .replace(/^(pusha|popa)[wd]\b/, '$1')
      .replace(/^(fcomp?|fucomp?|fxch) (st\(\d\)|st)$/, '$1 st,$2')
      .replace(/^xlat .*/, 'xlat')
      .replace(/^icebp$/, 'int1')
      .replace(/^(jmp|call) (0x[0-9a-f]+:)/, '$1 far $2')
      .replace(/^(call|jmp) FWORD PTR/, '$1 far')
      .replace(
        /^cmp(eq|lt|le|unord|neq|nlt|nle|ord)([ps][sd]) (.*)/,
        (_, c: string, f: string, o: string) => `cmp${f} ${o},0x${COMPARES.indexOf(c)}`,
      )
      .replace(
        /\[([er]ip)\+0xf{8}([89a-f][0-9a-f]{7})/,
        (_, r: string, d: string) => `[${r}-0x${(2 ** 32 - parseInt(d, 16)).toString(16)}`,
      )
      .replace(/^movabs (.*ds:|.*[fg]s:)/, 'mov $1'),
    mode,
  )
}

const ours = (text: string, mode: number): string => plain(text.replace(/^(rep|repe|repne) /, ''), mode)

const plain = (t: string, mode: number): string =>
  t
    .replace(/\b(?:BYTE|WORD|DWORD|FWORD|QWORD|TBYTE|XMMWORD|OWORD) PTR /, '')
    .replace(/\*1\b/, '')
    .replace(/\+0x0\]/, ']')
    .replace(/\b[cdes]s:\[/, '[')
    .replace(/^((?:sh|sa|ro|rc)[lr] .*),0x1$/, '$1,1')
    .replace(
      /^(j\w+|call|loop\w*) 0x([0-9a-f]+)$/,
      (_, name: string, to: string) => `${name} ${BigInt.asUintN(mode, BigInt(`0x${to}`))}`,
    )

/** Where the two may differ, and why. */
const EXPLAINED: readonly (readonly [why: string, ours: RegExp, theirs: RegExp])[] = [
  ['instructions that no model of ours has, or that are reserved', /^\(bad/, /./],
  ['undocumented aliases that processors have', /^(fstp|fxch|fcom|fcomp|salc|ffreep|fnop|fneni|fndisi|fnsetpm)\b/, /./],
  [
    'the other register of a segment or selector move may be named wider',
    /^(mov .*\b[c-gs]s\b|lar|lsl|lldt|ltr|verr|verw|lmsw)/,
    /^(mov|lar|lsl|lldt|ltr|verr|verw|lmsw)/,
  ],
  ['newer instructions in the place of prefixed old ones', /^(wbinvd|bsf|bsr)/, /./],
  ['objdump stops in the middle of what it does not know', /./, /\(bad\)|^rex/],
  ['near branches in 64-bit code ignore 66, as on Intel', /^(j\w+|call|loop\w*) \d+$/, /^(j\w+|call|loop\w*) \d+$/],
  ['near branches in 64-bit code ignore 66, as on Intel', /^(call|jmp) r\w+$/, /^(call|jmp) \w+$/],
  ['a scaled index of nothing', /./, /[er]iz\*/],
  ['far is in the size of the pointer', /^(call|jmp) far \[/, /^(call|jmp) \[/],
  [
    'a width that does not show in the operation',
    /^(fxsave|fxrstor|p?movmsk\w+) /,
    /^(fxsave64|fxrstor64|p?movmsk\w+ r)/,
  ],
  ['objdump takes it for a branch', /^ret 0x/, /^ret 0x/],
  ['objdump has no length for this one', /^nop$/, /^nop$/],
  ['XCHG with itself', /^nop/, /^xchg (ax,ax|eax,eax|rax,rax)/],
  [
    'near branches with 16-bit displacements: objdump wraps where its file lies',
    /^(j\w+|call|loop\w*) \d+$/,
    /^(j\w+|call|loop\w*) \d+$/,
  ],
]

/** Differences that have their own lengths. */
const LENGTHLESS = /^\(bad|\(bad\)$|\/ rex|^(j\w+|call|loop\w*) \d+ |^nop \/ nop$/

test('the decoder and the disassembler agree with objdump on every row', () => {
  const differences: string[] = []
  let compared = 0
  for (const line of FIXTURE.trim().split('\n')) {
    const [mode, hex, ...words] = line.split(' ')
    const bytes = Buffer.from(hex!, 'hex')
    const insn = decode((i) => bytes[i] ?? 0x90, Number(mode) as CodeSize)
    const a = ours(disassemble(insn), Number(mode))
    const b = theirs(words.join(' '), Number(mode))
    if (a === b && insn.length === bytes.length) {
      compared++
      continue
    }
    if (
      EXPLAINED.some(([, x, y]) => x.test(a) && y.test(b)) &&
      (insn.length === bytes.length || LENGTHLESS.test(`${a} / ${b}`))
    )
      continue
    differences.push(`${mode} ${hex}: ${a} (${insn.length}), objdump ${b} (${bytes.length})`)
  }
  expect(differences).toEqual([])
  expect(compared).toBeGreaterThan(13_000)
})
