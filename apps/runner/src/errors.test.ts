/** What users get wrong: one line, status 1, a terminal that is as it was; a monitor's client: an error, and it goes on. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'godwit-errors-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const main = join(import.meta.dirname, 'main.ts')
const command = [process.execPath, '--conditions=@godwit/source', '--import', 'tsx', main]

/** Firmware that sends "." to the first serial port, for ever. */
const firmware = join(folder, 'dots.bin')
const image = new Uint8Array(0x10000)
image.set([0xba, 0xf8, 0x03, 0xb0, 0x2e, 0xee, 0xeb, 0xfd]) // mov dx, 0x3f8; mov al, '.'; out dx, al; jmp to the out
image.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0) // jmp 0xf000:0
writeFileSync(firmware, image)
const machine = ['run', '-M', 'pc-i440fx-5.2', '-m', '16']

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** Runs a command, and types when something has been printed. */
function run([file, ...args]: readonly string[], typed: readonly (readonly [RegExp, string])[] = []): Promise<Ended> {
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = { status: null as number | null, out: '', err: '' }
  const left = [...typed]
  child.stdin.on('error', () => undefined)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.out += text
    while (left[0]?.[0].test(ended.out) === true) child.stdin.write(left.shift()![1])
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.err += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ ...ended, status }))
  })
}

const godwit = (...args: string[]): Promise<Ended> => run([...command, ...args])
const line = (value: object): string => `${JSON.stringify(value)}\n`

const EVENTS = { capabilities: [{ capability: 'events', state: true }] }

/** Saves a guest into a file, by way of a monitor that is told nonsense too. */
async function saved(path: string): Promise<Ended> {
  return run(
    [...command, ...machine, '--bios', firmware, '--qmp', 'stdio'],
    [
      [/QMP/, line({ execute: 'qmp_capabilities' }) + line({ execute: 'fly-away', id: 1 })],
      [/"id": ?1\b/, line({ execute: 'migrate', arguments: { uri: 7 }, id: 2 })],
      [/"id": ?2\b/, line({ execute: 'migrate', arguments: { uri: 'gopher:x' }, id: 3 })],
      [/"id": ?3\b/, `}{ "execute" } ${line({ execute: 'query-status', id: 4 })}`],
      [/"id": ?4\b/, line({ execute: 'query-status', id: 5 })],
      [/"id": ?5\b/, line({ execute: 'migrate-set-capabilities', arguments: EVENTS, id: 6 })],
      [/"id": ?6\b/, line({ execute: 'migrate', arguments: { uri: `file:${path}` } })],
      [/"MIGRATION".*"completed"/, line({ execute: 'quit' })],
    ],
  )
}

const stream = join(folder, 'guest.mig')

test('A monitor answers what it cannot do with an error, and the machine lives on.', async () => {
  const { status, out, err } = await saved(stream)
  expect([status, err]).toEqual([0, ''])
  const replies = out
    .trim()
    .split(/\r?\n/)
    .map((text) => JSON.parse(text) as Record<string, unknown>)
  const to = (id: number): unknown => replies.find((r) => r['id'] === id)
  const error = (desc: string | RegExp, cls = 'GenericError') => ({
    class: cls,
    desc: expect.stringMatching(desc) as string,
  })
  expect(to(1)).toMatchObject({ error: error(/^The command fly-away has not been found$/, 'CommandNotFound') })
  expect(to(2)).toMatchObject({ error: error(/uri.*string/) })
  expect(to(3)).toMatchObject({ error: error(/unknown migration protocol: gopher:x/) })
  expect(replies.some((r) => 'error' in r && !('id' in r))).toBe(true)
  expect(to(5)).toMatchObject({ return: { status: 'running', running: true } })
})

test.each<[string, () => string, RegExp]>([
  [
    'is not there',
    () => 'file:/nowhere/guest.mig',
    /--incoming file:\/nowhere\/guest\.mig: .*No such file or directory/,
  ],
  ['is a folder', () => `file:${folder}`, /Is a directory|illegal operation on a directory/],
  ['is empty', () => `file:${cut(0)}`, /phase preamble: .*expected 4 bytes, came 0/],
  ['is torn in its head', () => `file:${cut(11)}`, /phase preamble: .*(ended early|expected .* bytes)/],
  [
    'is torn in the middle of RAM',
    () => `file:${cut(0.1)}`,
    /phase ram.*: .*(ended early|expected \d+ bytes, came \d+)/,
  ],
  ['is torn in the devices', () => `file:${cut('mc146818rtc')}`, /phase devices.*: .*(ended early|expected|came)/],
  ['is something else', () => `file:${firmware}`, /phase preamble: .*expected QEVM/],
])('An incoming file that %s is one line and status 1.', async (_, uri, message) => {
  const { status, out, err } = await godwit(...machine, '--bios', firmware, '--incoming', uri())
  expect(err).toMatch(message)
  expect(err).toMatch(/^godwit: [^\n]+\n$/)
  expect([status, out]).toEqual([1, ''])
})

/** The saved guest, cut off: behind so many bytes, at a part of it, or inside a section. */
function cut(at: number | string): string {
  const whole = readFileSync(stream)
  const end =
    typeof at === 'string' ? whole.indexOf(`\x0b${at}\0\0\0\0`) + 40 : at > 0 && at < 1 ? whole.length * at : at
  const path = join(folder, `cut-${at}.mig`)
  writeFileSync(path, whole.subarray(0, end))
  return path
}

const haveScript = spawnSync('script', ['--version']).status === 0

/** Runs a shell command in a pseudo-terminal, between two looks at its settings. */
async function onTerminal(shell: string, typed: readonly (readonly [RegExp, string])[]): Promise<[string, string]> {
  const quoted = command.map((word) => `'${word}'`).join(' ')
  const looks = `printf '<%s>\\n' "$(stty -g)"; ${shell.replace('GODWIT', quoted)}; printf '<%s>\\n' "$(stty -g)"`
  const { out } = await run(['script', '-qec', looks, '/dev/null'], typed)
  const found = [...out.matchAll(/<([0-9a-f:]+)>/g)].map((m) => m[1]!)
  expect(found, out).toHaveLength(2)
  return [found[0]!, found[1]!]
}

test.skipIf(!haveScript).each<[string, string, [RegExp, string][]]>([
  ['is told nonsense', 'GODWIT run --kernel /nowhere', []],
  ['is quit by Ctrl-A x', `GODWIT ${machine.join(' ')} --bios ${firmware}`, [[/\.\.\./, '\x01x']]],
  [
    'is ended by a signal',
    `(GODWIT ${machine.join(' ')} --bios ${firmware} --pidfile ${folder}/pid & p=$!; ` +
      `while [ ! -s ${folder}/pid ]; do sleep 0.1; done; sleep 0.5; kill -TERM $(cat ${folder}/pid); wait $p)`,
    [],
  ],
  ['finds its incoming file torn', `GODWIT ${machine.join(' ')} --bios ${firmware} --incoming file:${firmware}`, []],
])('A terminal is as it was after a godwit that %s.', async (_, shell, typed) => {
  const [before, after] = await onTerminal(shell, typed)
  expect(after).toBe(before)
})
