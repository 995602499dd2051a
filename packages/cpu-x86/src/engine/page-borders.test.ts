import { expect, test } from 'vitest'
import { S } from '../state.ts'
import { bench, bytesOf, TABLES, type Bench } from './testing.ts'

/** Pages side by side: RAM, a device, RAM, ROM, RAM. */
const DEVICE = 0x3000
const ROM = 0x5000
const CODE = 0x9000

const hex32 = (n: number): string => Buffer.from(Uint32Array.of(n).buffer).toString('hex')
/** mov rax, 0x8877665544332211 */
const VALUE = '48b8 1122334455667788'
/** mov [at], rax; mov rbx, [at]; add [at], rax */
const store = (at: number): string => `48890425 ${hex32(at)}`
const load = (at: number): string => `488b1c25 ${hex32(at)}`
const add = (at: number): string => `48010425 ${hex32(at)}`

interface Borders extends Bench {
  /** What the device was told: offset, size and value. */
  readonly told: number[][]
  again(): void
  bytes(at: number, count: number): string
}

function borders(code: string): Borders {
  const told: number[][] = []
  const b = bench({ bits: 64, code: `${code} f4` })
  b.memory.add({
    kind: 'io',
    name: 'device',
    base: DEVICE,
    size: 0x1000,
    priority: 1,
    io: { read: (offset) => 0xc0 + (offset & 15), write: (...access) => void told.push(access) },
  })
  b.memory.add({ kind: 'rom', name: 'rom', base: ROM, size: 0x1000, priority: 1, block: b.ram, blockOffset: 0x20_0000 })
  return {
    ...b,
    told,
    again: () => {
      b.processor.state.rip = 0x7c00
      b.processor.state.setWord(S.halted, 0)
      expect(b.processor.run(1000).reason).toBe('halted')
    },
    bytes: (at, count) => Buffer.from(b.ram.bytes.subarray(at, at + count)).toString('hex'),
  }
}

test.each([1, 2, 3, 4, 5, 6, 7])('an access with %i bytes before the border of two pages of RAM is whole', (split) => {
  const at = 0x2000 - split
  const b = borders(`${VALUE} ${store(at)} ${store(at)} ${load(at)} ${add(at)}`)
  for (let i = 0; i < 3; i++) {
    b.again()
    expect(b.processor.state.gpr(3)).toBe(0x8877_6655_4433_2211n)
    expect(b.bytes(at - 1, 10)).toBe('00 22446688aaccee10 00'.replaceAll(' ', ''))
  }
})

test('of a store into RAM and a device each gets its bytes, and a load has them of both', () => {
  const b = borders(`${VALUE} ${store(DEVICE - 3)} ${load(DEVICE - 3)} ${store(DEVICE + 0xffe)}`)
  for (let i = 0; i < 2; i++) {
    b.told.length = 0
    b.again()
    expect(b.bytes(DEVICE - 3, 4)).toBe('11223300')
    expect(b.processor.state.gpr(3) & 0xffff_ffff_ffff_ffffn).toBe(0xc4c3_c2c1_c033_2211n)
    expect(b.told).toEqual([
      ...[0x44, 0x55, 0x66, 0x77, 0x88].map((value, i) => [i, 1, value]),
      [0xffe, 1, 0x11],
      [0xfff, 1, 0x22],
    ])
    expect(b.bytes(DEVICE + 0x1000, 7)).toBe('33445566778800')
  }
})

test('of a store into RAM and ROM the ROM keeps nothing', () => {
  const b = borders(`${VALUE} ${store(ROM - 2)} ${load(ROM - 2)} ${store(ROM + 0xffd)}`)
  b.ram.write(0x20_0000, bytesOf('a0a1a2a3a4a5a6'))
  for (let i = 0; i < 2; i++) {
    b.again()
    expect(b.processor.state.gpr(3) & 0xffff_ffff_ffff_ffffn).toBe(0xa5a4_a3a2_a1a0_2211n)
    expect(b.bytes(0x20_0000, 7)).toBe('a0a1a2a3a4a5a6')
    expect(b.bytes(0x20_0ffd, 3)).toBe('000000')
    expect(b.bytes(ROM + 0x1000, 6)).toBe('445566778800')
  }
})

test('a store over a border changes the code on both sides', () => {
  // mov cl, 1; ret, and on the other side mov ch, 1; ret
  const call = (at: number): string => `be ${hex32(at)} ffd6`
  const calls = `${call(CODE - 3)} ${call(CODE + 1)}`
  const swap = (cl: string, ch: string): string => `48b8 b1${cl}c3 90 b5${ch}c3 90 ${store(CODE - 3)}`
  const b = borders(
    `${swap('01', '02')} ${calls} 89cf ${swap('03', '04')} ${calls} 89cd ${swap('05', '06')} ${swap('07', '08')} ${calls}`,
  )
  for (let i = 0; i < 3; i++) {
    b.again()
    expect([7, 5, 1].map((r) => b.reg(r))).toEqual([0x0201, 0x0403, 0x0807])
  }
})

test('a store over a border makes both pages dirty each time after the log was collected', () => {
  const b = borders(`${VALUE} ${store(0x1ffe)} ${store(0x1ffe)}`)
  b.again()
  b.ram.dirty.start(false)
  for (let i = 0; i < 2; i++) {
    b.again()
    expect([...b.ram.dirty.collect()].filter((page) => page < 8)).toEqual([1, 2])
  }
})

test('a store beside code makes its page dirty each time after the log was collected', () => {
  const b = borders(`${VALUE} ${store(0x7e00)} ${store(0x7e00)}`)
  b.again()
  b.ram.dirty.start(false)
  for (let i = 0; i < 2; i++) {
    b.again()
    expect([...b.ram.dirty.collect()].filter((page) => page < 8)).toEqual([7])
  }
})

test('a store beside code asks again when the page may not be written any more', () => {
  // mov ecx, [TABLES + 0x2000]; and ecx, ~2; mov [TABLES + 0x2000], ecx; mov rdx, cr3; mov cr3, rdx
  const protect = `8b0c25 ${hex32(TABLES + 0x2000)} 83e1fd 890c25 ${hex32(TABLES + 0x2000)} 0f20da 0f22da`
  // CR0.WP: mov rdx, cr0; or edx, 0x10000; mov cr0, rdx
  const wp = '0f20c2 81ca 00000100 0f22c2'
  const b = borders(`${VALUE} ${wp} ${store(0x7e00)} ${store(0x7e00)} ${protect} ${store(0x7e08)}`)
  // Tables and stack lie in the same large page: the fault ends it all.
  expect(b.processor.run(1000).reason).toBe('shutdown')
  expect(b.bytes(0x7e00, 9)).toBe('1122334455667788 00'.replaceAll(' ', ''))
  expect(b.processor.state.num(S.cr2)).not.toBe(0)
})
