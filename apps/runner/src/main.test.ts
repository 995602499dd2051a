import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'godwit-main-'))
const main = join(import.meta.dirname, 'main.ts')

const start = (...args: string[]): ChildProcessByStdio<null, Readable, Readable> =>
  spawn(process.execPath, ['--conditions=@godwit/source', '--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })

function godwit(...args: string[]): Promise<{ status: number | null; out: string; err: string }> {
  const child = start(...args)
  let out = ''
  let err = ''
  child.stdout.on('data', (d: Buffer) => (out += d.toString()))
  child.stderr.on('data', (d: Buffer) => (err += d.toString()))
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, out, err })))
}

const notAKernel = join(folder, 'text')
writeFileSync(notAKernel, 'this is no kernel')

test.each<[string[], RegExp]>([
  [['run', '--kernel', '/nowhere'], /^godwit: cannot read kernel \/nowhere: No such file or directory\n$/],
  [['run', '--kernel', notAKernel], /^godwit: .*text: kernel: .* Linux bzImage.*\n$/],
  [
    ['run', '--kernel', notAKernel, '--initrd', '/no'],
    /^godwit: cannot read initrd \/no: No such file or directory\n$/,
  ],
  [
    ['run', '--incoming', 'defer', '--machine', 'pc-i440fx-5.3'],
    /^godwit: unknown machine type "pc-i440fx-5.3"; the nearest are pc-i440fx-5.2.*\n$/,
  ],
  [
    ['run', '--incoming', 'defer', '-m', '1000k'],
    /^godwit: memory of 1024000 bytes: expected whole MiB, at least 1\n$/,
  ],
  [['run', '--incoming', 'gopher:x'], /^godwit: --incoming gopher:x: unknown migration protocol: gopher:x\n$/],
  [['fly'], /^godwit: no command "fly"; the nearest are .*\n$/],
])('godwit %j says in one line what is wrong, and ends with status 1.', async (args, line) => {
  const { status, out, err } = await godwit(...args)
  expect(err).toMatch(line)
  expect([status, out]).toEqual([1, ''])
})

test('A port in use is named.', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const { status, err } = await godwit('run', '--incoming', `tcp:127.0.0.1:${port}`)
  expect(err).toBe(
    `godwit: --incoming tcp:127.0.0.1:${port}: Failed to listen on '127.0.0.1:${port}': Address already in use\n`,
  )
  expect(status).toBe(1)
  server.close()
})

test('A reader that has gone ends the command without a word.', async () => {
  const child = start('run', '--help')
  child.stdout.destroy()
  let err = ''
  child.stderr.on('data', (d: Buffer) => (err += d.toString()))
  const status = await new Promise((resolve) => child.on('close', resolve))
  expect([status, err]).toEqual([141, ''])
})

test('Help and the list of machines go to standard output.', async () => {
  const help = await godwit('help', 'run')
  expect(help.out).toContain('--incoming')
  expect([help.status, help.err]).toEqual([0, ''])
  const unknown = await godwit('help', 'compta')
  expect([unknown.status, unknown.err]).toEqual([1, 'godwit: no command "compta"; the nearest are compat, vmstate\n'])
  expect((await godwit('machines')).out).toMatch(/^pc-i440fx-5\.2 /m)
})

test('inspect refuses what is no stream, and says where.', async () => {
  const { status, err } = await godwit('inspect', notAKernel)
  expect(status).toBe(1)
  expect(err).toMatch(/text is not a whole migration stream: stream at offset 0: expected QEVM/)
})

test('The command of the package starts the same program.', () => {
  expect(readFileSync(join(import.meta.dirname, '../bin/godwit.mjs'), 'utf8')).toContain("import('../dist/main.js')")
})
