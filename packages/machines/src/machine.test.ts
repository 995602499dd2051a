import { expect, test } from 'vitest'
import { createMachine, type MachineOptions } from './index.ts'

const MIB = 2 ** 20

/** A 64 KiB firmware image: code at 0xf0000, the reset vector jumps there. */
function image(code: readonly number[]): Uint8Array {
  const rom = new Uint8Array(0x1_0000)
  rom.set(code)
  rom.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0) // jmp 0xf000:0
  return rom
}

const say = (text: string): number[] => [
  0xba, 0xf8, 0x03, // mov dx, 0x3f8
  ...[...text].flatMap((c) => [0xb0, c.charCodeAt(0), 0xee]), // mov al, c; out dx, al
] // prettier-ignore

function run(code: readonly number[], more: Partial<MachineOptions> = {}, instructions = 200_000) {
  const machine = createMachine({
    type: 'pc-i440fx-5.2',
    memoryBytes: 16 * MIB,
    bios: image(code),
    time: {},
    debugPorts: true,
    ...more,
  })
  let text = ''
  machine.connectSerial({
    write: (d) => void (text += String.fromCharCode(...d)),
    onData: undefined,
    ready: () => undefined,
  })
  const ends: [string, number][] = []
  const resets: boolean[] = []
  machine.events.onShutdown = (cause, code) => ends.push([cause, code])
  machine.events.onReset = (byGuest) => resets.push(byGuest)
  machine.runFor(instructions)
  return { machine, text: () => text, ends, resets }
}

test('a firmware image runs from the reset vector and reaches the serial port', () => {
  expect(run([...say('godwit'), 0xf4]).text()).toBe('godwit')
})

test('the exit port ends the machine with 2n + 1', () => {
  const { ends, machine } = run([0xb8, 0x15, 0x00, 0xba, 0x01, 0x05, 0xef, 0xf4]) // mov ax, 21; mov dx, 0x501; out
  expect(ends).toEqual([['guest-shutdown', 43]])
  expect(machine.runState).toBe('shutdown')
})

test('sleep type S5 in the power management ends the machine', () => {
  const config = (register: number, bytes: readonly number[]): number[] => [
    0xba, 0xf8, 0x0c, 0x66, 0xb8, register, 0x0b, 0x00, 0x80, 0x66, 0xef, // 0xcf8 <- 0x80000b00 | register
    0xba, 0xfc, 0x0c, 0x66, 0xb8, ...bytes, 0x66, 0xef, // 0xcfc <- bytes
  ] // prettier-ignore
  const { ends } = run([
    ...config(0x40, [0x01, 0x06, 0, 0]), // ports at 0x600
    ...config(0x80, [0x01, 0, 0, 0]), // enabled
    0xba, 0x04, 0x06, 0xb8, 0x01, 0x20, 0xef, 0xf4, // PM1 control <- SLP_EN, type 0
  ]) // prettier-ignore
  expect(ends).toEqual([['guest-shutdown', 0]])
})

test.each([
  ['port 0x92', [0xb0, 0x01, 0xe6, 0x92]],
  ['the keyboard controller', [0xb0, 0xfe, 0xe6, 0x64]],
  ['port 0xcf9', [0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee]],
  ['a triple fault', [0x0f, 0x01, 0x1e, 0x00, 0x80, 0xcc]], // lidt of an empty table; int3
])('%s resets the machine, which begins anew', (_name, reset) => {
  // RAM survives a reset: the byte at 0x500 counts the starts, the second start halts.
  const code = [0xfe, 0x06, 0x00, 0x05, 0x80, 0x3e, 0x00, 0x05, 0x02, 0x72, 0x01, 0xf4] // inc [0x500]; cmp 2; jb; hlt
  const empty = _name === 'a triple fault' ? [0x31, 0xc0, 0xa3, 0x00, 0x80, 0xa3, 0x02, 0x80, 0xa3, 0x04, 0x80] : []
  const { machine, resets } = run([...code, ...empty, ...reset, 0xeb, 0xfe])
  expect(resets).toEqual([true])
  expect(machine.memory.read(0x500, 1)).toBe(2)
})

test('equal inputs end in equal states, whatever the slices', () => {
  const loop = [0xb9, 0x00, 0x40, 0x01, 0xc8, 0x89, 0x06, 0x00, 0x06, 0xe4, 0x40, 0x01, 0xc3, 0xe2, 0xf5, 0xeb, 0xf0]
  const straight = run(loop, {}, 300_000).machine
  const sliced = run(loop, {}, 1).machine
  for (let left = 299_999; left > 0;) left -= sliced.runFor(Math.min(left, 777))
  expect(sliced.digest()).toBe(straight.digest())
})

test.each<[string, Partial<MachineOptions>, RegExp]>([
  ['an unknown type', { type: 'pc-i440fx-5.3' }, /pc-i440fx-5\.3.*pc-i440fx-5\.2/],
  ['an unknown property', { props: { hpett: 'off' } }, /hpett.*hpet/],
  ['a value that is no switch', { props: { hpet: 'maybe' } }, /hpet.*on, off or auto.*maybe/],
  ['memory that is not whole MiB', { memoryBytes: 1000 }, /1000 bytes/],
  ['more memory than there can be', { memoryBytes: 8192 * MIB }, /8192 MiB/],
  ['firmware of an odd size', { bios: new Uint8Array(1000) }, /1000 bytes.*64, 128 or 256 KiB/],
  ['a kernel that is none', { kernel: new Uint8Array(5000) }, /HdrS/],
  ['a processor that is none', { cpu: 'qemu65' }, /qemu65.*qemu64/],
])('%s is refused by name', (_what, options, message) => {
  expect(() => createMachine({ type: 'pc-i440fx-5.2', memoryBytes: 16 * MIB, bios: image([]), ...options })).toThrow(
    message,
  )
})

test('nothing to boot is an error', () => {
  expect(() => createMachine({ type: 'pc', memoryBytes: 16 * MIB })).toThrow(/nothing to boot/)
})
