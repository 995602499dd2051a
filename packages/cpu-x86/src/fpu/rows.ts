/** Instructions that are compared with a real processor, as bytes: register form and [rdi] form. */
import { vectorCases, x87Cases, type Case, type Flavour, type MemoryKind } from './cases.ts'

const hex = (n: number): string => n.toString(16).padStart(2, '0')

export interface Recorded {
  readonly hex: string
  readonly cases: readonly Case[]
}

function vectorRows(): { hex: string; flavour: Flavour; count: number }[] {
  const out: { hex: string; flavour: Flavour; count: number }[] = []
  const add = (code: string, flavour: Flavour, count: number, forms = ['c1', '07'], imm = ''): void => {
    forms.forEach((modrm, i) => out.push({ hex: code + modrm + imm, flavour, count: i === 0 ? count : 4 }))
  }
  const flavourOf = (p: string): Flavour => (p === '' || p === 'f3' ? 'single' : 'double')
  const four = ['', '66', 'f3', 'f2']
  for (const p of four) {
    for (const op of [0x51, 0x58, 0x59, 0x5c, 0x5d, 0x5e, 0x5f]) add(`${p}0f${hex(op)}`, flavourOf(p), 30)
    add(`${p}0f5a`, flavourOf(p), 30)
    for (let i = 0; i < 8; i++) add(`${p}0fc2`, flavourOf(p), 8, i === 1 ? ['c1', '07'] : ['c1'], hex(i))
    add(`${p}0f10`, 'integer', 3, ['c1', '07'])
    add(`${p}0f11`, 'integer', 3, ['c1', '07'])
  }
  for (const p of ['', '66'])
    for (const op of [0x14, 0x15, 0x54, 0x55, 0x56, 0x57]) add(`${p}0f${hex(op)}`, flavourOf(p), 4)
  for (const p of ['', '66']) for (const op of [0x2e, 0x2f]) add(`${p}0f${hex(op)}`, flavourOf(p), 30)
  add('0f5b', 'integer', 20)
  add('660f5b', 'single', 30)
  add('f30f5b', 'single', 30)
  add('660fe6', 'double', 30)
  add('f20fe6', 'double', 30)
  add('f30fe6', 'integer', 20)
  for (const p of ['f3', 'f2'])
    for (const rex of ['', '48']) {
      add(`${p}${rex}0f2a`, 'integer', 20)
      add(`${p}${rex}0f2c`, flavourOf(p), 30)
      add(`${p}${rex}0f2d`, flavourOf(p), 30)
    }
  add('0f2a', 'integer', 20)
  add('660f2a', 'integer', 10)
  for (const p of ['', '66']) for (const op of [0x2c, 0x2d]) add(`${p}0f${hex(op)}`, flavourOf(p), 20)
  for (const p of ['66', 'f2'])
    for (const op of [0x7c, 0x7d, 0xd0]) add(`${p}0f${hex(op)}`, p === '66' ? 'double' : 'single', 16)
  for (const imm of [0, 1, 2, 3, 4, 8, 0xb]) {
    add('660f3a08', 'single', 6, ['c1'], hex(imm))
    add('660f3a09', 'double', 6, ['c1'], hex(imm))
    add('660f3a0a', 'single', 6, ['c1'], hex(imm))
    add('660f3a0b', 'double', 6, ['c1'], hex(imm))
  }
  for (const imm of [0x00, 0x1b, 0xe4, 0x39, 0xff]) {
    add('0fc6', 'integer', 3, ['c1'], hex(imm))
    add('660fc6', 'integer', 3, ['c1'], hex(imm))
    for (const p of four) add(`${p}0f70`, 'integer', 3, ['c1', '07'], hex(imm))
    add('660f3a21', 'integer', 3, ['c1', '07'], hex(imm))
    for (const op of [0x0c, 0x0d, 0x0e, 0x42]) add(`660f3a${hex(op)}`, 'integer', 3, ['c1'], hex(imm))
    for (const op of ['0fc4', '660fc4', '660f3a20', '660f3a22', '66480f3a22'])
      add(op, 'integer', 3, ['c1', '07'], hex(imm))
    for (const op of ['0fc5', '660fc5']) add(op, 'integer', 3, ['c1'], hex(imm))
    for (const op of ['660f3a14', '660f3a15', '660f3a16', '66480f3a16', '660f3a17'])
      add(op, 'integer', 3, ['c1', '07'], hex(imm))
  }
  for (const imm of [0x31, 0x77, 0xf1, 0x3f]) {
    add('660f3a40', 'single', 6, ['c1'], hex(imm))
    add('660f3a41', 'double', 6, ['c1'], hex(imm))
  }
  for (const imm of [0, 1, 5, 8, 15, 16, 20, 31, 32, 200]) {
    add('0f3a0f', 'integer', 2, ['c1'], hex(imm))
    add('660f3a0f', 'integer', 2, ['c1'], hex(imm))
    add('660f73', 'integer', 2, ['f9', 'd9'], hex(imm))
    for (const p of ['', '66']) {
      for (const r of ['d1', 'e1', 'f1']) {
        add(`${p}0f71`, 'integer', 2, [r], hex(imm))
        add(`${p}0f72`, 'integer', 2, [r], hex(imm))
      }
      for (const r of ['d1', 'f1']) add(`${p}0f73`, 'integer', 2, [r], hex(imm))
    }
  }
  const integers = [
    0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x74, 0x75, 0x76, 0xd1, 0xd2, 0xd3, 0xd4,
    0xd5, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe8, 0xe9, 0xea, 0xeb,
    0xec, 0xed, 0xee, 0xef, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0x6e, 0x7e,
    0x6f, 0x7f,
  ]
  for (const p of ['', '66']) {
    for (const op of integers) add(`${p}0f${hex(op)}`, 'integer', 8)
    for (const op of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x1c, 0x1d, 0x1e]) add(`${p}0f38${hex(op)}`, 'integer', 8)
    add(`${p}0fd7`, 'integer', 3, ['c1'])
    add(`${p}0f50`, 'integer', 3, ['c1'])
    add(`${p}480f6e`, 'integer', 3)
    add(`${p}480f7e`, 'integer', 3)
    add(`${p}0ff7`, 'integer', 4, ['c1'])
    for (const op of [0x28, 0x29]) add(`${p}0f${hex(op)}`, 'integer', 3)
    for (const op of [0x12, 0x13, 0x16, 0x17, 0x2b, 0xe7]) add(`${p}0f${hex(op)}`, 'integer', 3, ['07'])
  }
  add('0f12', 'integer', 3, ['c1'])
  add('0f16', 'integer', 3, ['c1'])
  for (const code of ['660f6c', '660f6d', '660fd6', 'f30f7e', 'f30f6f', 'f30f7f', 'f30f12', 'f30f16', 'f20f12'])
    add(code, 'integer', 4)
  add('f30fd6', 'integer', 3, ['c1'])
  add('f20fd6', 'integer', 3, ['c1'])
  add('f20ff0', 'integer', 3, ['07'])
  for (const op of [0x10, 0x14, 0x15, 0x17, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35])
    add(`660f38${hex(op)}`, 'integer', 6)
  for (let op = 0x28; op <= 0x41; op++)
    if (![0x2a, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36].includes(op))
      add(`660f38${hex(op)}`, 'integer', 6)
  for (const imm of [0x00, 0x0c, 0x44, 0x1a, 0x3d, 0x08, 0x7b])
    for (const op of [0x60, 0x61, 0x62, 0x63]) add(`660f3a${hex(op)}`, 'integer', 4, ['c1'], hex(imm))
  add('0f77', 'integer', 2, [''])
  add('0fae', 'single', 2, ['1f'])
  return out
}

export const vectorRecords = (): Recorded[] =>
  vectorRows().map(({ hex: code, flavour, count }, i) => ({
    hex: code,
    cases: vectorCases(code, flavour, count, i + 1),
  }))

function x87Rows(): { hex: string; memory: MemoryKind; count: number; integers?: boolean }[] {
  const out: { hex: string; memory: MemoryKind; count: number; integers?: boolean }[] = []
  const add = (code: string, memory: MemoryKind, count: number, integers = false): void => {
    out.push({ hex: code, memory, count, integers })
  }
  for (let i = 0; i < 8; i++) {
    const many = i === 2 || i === 3 ? 24 : 40
    add(`d8${hex(0x07 + 8 * i)}`, 'single', 16)
    add(`dc${hex(0x07 + 8 * i)}`, 'double', 16)
    add(`da${hex(0x07 + 8 * i)}`, 'dword', 10)
    add(`de${hex(0x07 + 8 * i)}`, 'word', 10)
    add(`d8${hex(0xc1 + 8 * i)}`, 'none', many)
    if (i !== 2 && i !== 3) {
      add(`dc${hex(0xc3 + 8 * i)}`, 'none', 12)
      add(`de${hex(0xc1 + 8 * i)}`, 'none', 12)
    }
  }
  add('d907', 'single', 30)
  add('dd07', 'double', 30)
  add('db2f', 'extended', 20)
  for (const [code, kind] of [
    ['df07', 'word'],
    ['db07', 'dword'],
    ['df2f', 'qword'],
    ['df27', 'bcd'],
  ] as const)
    add(code, kind, 10)
  for (const code of ['d917', 'd91f', 'dd17', 'dd1f', 'db3f']) add(code, 'none', 40)
  for (const code of ['df17', 'df1f', 'db17', 'db1f', 'df3f', 'df0f', 'db0f', 'dd0f', 'df37'])
    add(code, 'none', 40, true)
  for (const code of ['d9c3', 'd9c9', 'ddd3', 'dddb', 'd9d0', 'd9e0', 'd9e1', 'd9e5', 'ddc2', 'dfc2', 'd9f6', 'd9f7'])
    add(code, 'none', 8)
  for (const code of ['d9e8', 'd9e9', 'd9ea', 'd9eb', 'd9ec', 'd9ed', 'd9ee']) add(code, 'none', 12)
  for (const code of ['d9e4', 'ddE1', 'dde9', 'dae9', 'ded9', 'dbe9', 'dbf1', 'dfe9', 'dff1'])
    add(code.toLowerCase(), 'none', 24)
  for (const code of ['dac1', 'dac9', 'dad1', 'dad9', 'dbc1', 'dbc9', 'dbd1', 'dbd9']) add(code, 'none', 4)
  add('d9fa', 'none', 40)
  add('d9fc', 'none', 40, true)
  for (const code of ['d9f4', 'd9f5', 'd9f8', 'd9fd']) add(code, 'none', 40, true)
  for (const code of ['d92f', 'd93f', 'dd3f', 'dfe0', 'dbe2', 'dbe3']) add(code, 'word', 6)
  return out
}

export const x87Records = (): Recorded[] =>
  x87Rows().map(({ hex: code, memory, count, integers }, i) => ({
    hex: code,
    cases: x87Cases(code, memory, count, i + 1, integers),
  }))

const TRANSCENDENTAL = ['d9f0', 'd9f1', 'd9f2', 'd9f3', 'd9f9', 'd9fb', 'd9fe', 'd9ff']
/** Compared to within a unit in the last place. */
export const transcendentalRecords = (): Recorded[] =>
  TRANSCENDENTAL.map((code, i) => ({ hex: code, cases: x87Cases(code, 'none', 60, 500 + i, false) }))
