import { expect, test } from 'vitest'
import { commands } from './commands/commands.ts'
import { helpText, runHelp } from './help.ts'
import { parseRun, rows } from './options.ts'

test("A command line of QEMU's is understood with one dash as with two.", () => {
  const line =
    'M=pc-i440fx-5.2,hpet=off,vmport=off -cpu qemu64,+avx -m 256 -kernel K -initrd I -append console=ttyS0 -serial stdio ' +
    '-qmp unix:/q,server=on,wait=off -S -nodefaults -display none -accel tcg -no-user-config -smp 1 -rtc base=utc'
  const one = parseRun(`-${line}`.split(' '))
  const two = parseRun(`--${line}`.split(' '))
  expect(two).toEqual(one)
  expect(one).toMatchObject({
    machine: 'pc-i440fx-5.2',
    machineProps: { hpet: 'off', vmport: 'off' },
    cpu: 'qemu64,+avx',
    memoryBytes: 256 << 20,
    kernel: 'K',
    initrd: 'I',
    append: 'console=ttyS0',
    serial: { kind: 'stdio' },
    qmp: { kind: 'unix', path: '/q', server: true, wait: false },
    stopped: true,
  })
})

test.each<[string, number]>([
  ['128', 128 << 20],
  ['512M', 512 << 20],
  ['2G', 2 * 2 ** 30],
  ['size=64m', 64 << 20],
  ['2097152k', 2 * 2 ** 30],
  ['0.5G', 512 << 20],
])('-m %s is %i bytes.', (text, bytes) => {
  expect(parseRun(['-m', text, '--kernel', 'K']).memoryBytes).toBe(bytes)
})

test.each<[string[], boolean]>([
  [[], true],
  [['-accel', 'tcg,tb-size=64,thread=multi'], true],
  [['-accel', 'tcg,thread=single'], true],
  [['-accel', 'godwit,thread=on,tier1=off'], true],
  [['--accel=godwit,tier1=on,thread=off'], false],
])('With %j the machine has a thread of its own: %s.', (args, own) => {
  expect(parseRun(['--kernel', 'K', ...args]).thread).toBe(own)
})

test.each<[string, RegExp]>([
  ['--kernel K --accel tcg,thread=two', /^-accel tcg,thread=two: thread is on or off$/],
  ['', /nothing to run/],
  ['bzImage', /"bzImage" is not an option; a kernel is given with --kernel/],
  ['--kernl K', /no option --kernl; the nearest are --kernel/],
  ['--kernel', /--kernel needs a value: FILE/],
  ['--kernel K -m 12x', /expected a size, like 128/],
  ['--kernel K -m 0.3333k', /no whole number/],
  ['--initrd I --bios B', /--initrd needs --kernel/],
  ['--append A --incoming defer', /--append needs --kernel/],
  ['--kernel K --serial com1', /expected stdio, null, file:PATH, unix:PATH or tcp:HOST:PORT/],
  ['--kernel K --serial tcp:h:99999', /expected stdio/],
  ['--kernel K --serial file:', /needs a path/],
  ['--kernel K --serial stdio --serial stdio', /one serial port/],
  ['--kernel K --qmp unix:/a,sever=on', /no such word as "sever=on"/],
  ['--kernel K --serial stdio --qmp stdio', /only one of them/],
  ['--kernel K -smp 2', /only "1"/],
  ['--kernel K -accel kvm', /only "tcg"/],
  ['--kernel K -machine pc,accel=kvm', /only "tcg"/],
  ['--kernel K --stats=yes', /takes no value/],
  ['--kernel K --icount shift=99', /shift=0 to shift=10/],
  ['--firmware direct', /nothing to run|needs --kernel/],
  ['--kernel K --firmware uefi', /expected direct or seabios/],
])('"%s" is refused in one line.', (line, message) => {
  const parse = (): unknown => parseRun(line.split(' ').filter((word) => word !== ''))
  expect(parse).toThrow(message)
  expect(parse).not.toThrow(/\n/)
})

test('--icount may stand alone, with a value, and last.', () => {
  const ns = (line: string): unknown => parseRun(line.split(' ')).nsPerInstruction
  expect(ns('--icount --kernel K')).toBe(4)
  expect(ns('-icount shift=3,sleep=off --kernel K')).toBe(8)
  expect(ns('--kernel K --icount')).toBe(4)
  expect(ns('--kernel K')).toBeUndefined()
})

test('The serial port is the terminal, unless the monitor has it.', () => {
  expect(parseRun(['--kernel', 'K']).serial).toEqual({ kind: 'stdio' })
  expect(parseRun(['--kernel', 'K', '--qmp', 'stdio']).serial).toEqual({ kind: 'null' })
})

test('A serial server waits for its peer, a monitor does not, unless told otherwise.', () => {
  const o = parseRun('--kernel K --serial unix:/s,server --qmp tcp:[::1]:4'.split(' '))
  expect(o.serial).toEqual({ kind: 'unix', path: '/s', server: true, wait: true })
  expect(o.qmp).toEqual({ kind: 'tcp', host: '::1', port: 4, server: true, wait: false })
})

test('Help has every option that is documented, and fits a terminal.', () => {
  const text = runHelp()
  for (const row of rows) if (row.doc !== undefined) expect(text).toContain(row.doc)
  for (const line of helpText(commands).split('\n')) expect(line.length).toBeLessThanOrEqual(110)
})
