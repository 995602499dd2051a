/** godwit fleet: what hosts offer, and what all of them can take. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { nearest } from '@godwit/bits'
import { baseline, godwitHost, HostError, parseHost, planUpgrade, type Host } from '@godwit/compat'
import { CalendarError } from '@godwit/machines'
import { reasonOf } from '../files.ts'
import { baselineText, upgradeText } from '../fleet/baseline-text.ts'
import { collectHost } from '../fleet/collect.ts'
import { QmpClient, QmpRefusal } from '../fleet/qmp-client.ts'
import { UsageError } from '../usage-error.ts'
import { print, type Command } from './command.ts'

const HELP = `godwit fleet: what every host of a fleet can take, and what a rolling upgrade may use when

  godwit fleet baseline HOST.json... [--upgrade RELEASE|DATE] [--json]
      the newest machine type, processor model and features of all hosts; with --upgrade what may be used before,
      during and after every host has that release
  godwit fleet collect (--qemu BINARY | --qmp SOCKET) [--name NAME] [--json]
      asks a QEMU through its monitor and prints HOST.json. BINARY is started without a machine and ended again;
      SOCKET is the monitor of one that runs: ask there with the accelerator that guests will have
  godwit fleet describe [--name NAME] [--json]
      the same of this Godwit; both print JSON, asked for or not

Example: may guests move between an old host and a new one, and when may they use the newest machine type?

  godwit fleet collect --qemu /usr/bin/qemu-system-x86_64 --name a > a.json
  godwit fleet describe --name b > b.json
  godwit fleet baseline a.json b.json --upgrade 11.1
`

export const fleet: Command = {
  name: 'fleet',
  summary: 'what every host of a fleet can take; what an upgrade may use when',
  help: HELP,
  async run([verb, ...args]) {
    switch (verb) {
      case 'baseline':
        return print(baselineOf(args))
      case 'collect':
        return print(`${JSON.stringify(await collect(args), null, 2)}\n`)
      case 'describe':
        return print(`${JSON.stringify(describe(args), null, 2)}\n`)
      case undefined:
        return print(HELP)
      default:
        throw new UsageError(
          `no command "fleet ${verb}"; the nearest is ${nearest(verb, ['baseline', 'collect', 'describe'], 1)[0]!}`,
        )
    }
  },
}

/** Words that stand alone, and the values of options that take one. */
function split(args: readonly string[], valued: readonly string[], flags: readonly string[] = []) {
  const words: string[] = []
  const values = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('--')) words.push(arg)
    else if (flags.includes(arg)) values.set(arg, '')
    else if (!valued.includes(arg)) {
      throw new UsageError(`no option ${arg}; there are ${[...valued, ...flags].join(', ')}`)
    } else if (args[i + 1] === undefined) throw new UsageError(`${arg} needs a value`)
    else values.set(arg, args[++i]!)
  }
  return { words, values }
}

function baselineOf(args: readonly string[]): string {
  const { words, values } = split(args, ['--upgrade'], ['--json'])
  if (words.length === 0) throw new UsageError('godwit fleet baseline takes files that godwit fleet collect wrote')
  try {
    const hosts = words.map(readHost)
    const found = baseline(hosts)
    const to = values.get('--upgrade')
    const upgrade = to === undefined ? undefined : planUpgrade(hosts, to, found)
    if (values.has('--json')) return `${JSON.stringify({ ...found, ...(upgrade && { upgrade }) }, null, 2)}\n`
    return baselineText(found) + (upgrade === undefined ? '' : upgradeText(upgrade))
  } catch (thrown) {
    if (thrown instanceof HostError || thrown instanceof RangeError || thrown instanceof CalendarError) {
      throw new UsageError(thrown.message)
    }
    throw thrown
  }
}

function readHost(file: string): Host {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new UsageError(`cannot read ${file}: ${reasonOf(thrown)}`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw new UsageError(`${file} is not JSON: ${(thrown as Error).message}`)
  }
  return parseHost(value, file)
}

function describe(args: readonly string[]): Host {
  const { words, values } = split(args, ['--name'], ['--json'])
  if (words.length > 0) throw new UsageError(`godwit fleet describe takes no "${words[0]!}"`)
  return godwitHost(values.get('--name') ?? hostname())
}

async function collect(args: readonly string[]): Promise<Host> {
  const { words, values } = split(args, ['--qemu', '--qmp', '--name'], ['--json'])
  const [binary, socket] = [values.get('--qemu'), values.get('--qmp')]
  if (words.length > 0 || (binary === undefined) === (socket === undefined)) {
    throw new UsageError('godwit fleet collect takes --qemu BINARY or --qmp SOCKET')
  }
  const name = values.get('--name') ?? hostname()
  try {
    return binary === undefined ? await fromSocket(socket!, name) : await fromBinary(binary, name)
  } catch (thrown) {
    if (thrown instanceof QmpRefusal || thrown instanceof HostError)
      throw new UsageError(`${binary ?? socket!}: ${thrown.message}`)
    throw thrown
  }
}

async function fromBinary(binary: string, name: string): Promise<Host> {
  const args = ['-machine', 'none', '-nodefaults', '-display', 'none', '-qmp', 'stdio', '-S']
  const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (e) => reject(new UsageError(`cannot start ${binary}: ${reasonOf(e)}`)))
  })
  try {
    return await Promise.race([
      failed,
      QmpClient.open(child.stdout, child.stdin).then((q) => collectHost(q, name, progress)),
    ])
  } finally {
    child.kill()
  }
}

async function fromSocket(path: string, name: string): Promise<Host> {
  const socket = connect(path)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', (e) => reject(new UsageError(`cannot reach ${path}: ${reasonOf(e)}`)))
    })
    return await collectHost(await QmpClient.open(socket, socket), name, progress)
  } finally {
    socket.destroy()
  }
}

function progress(done: number, of: number): void {
  if (!process.stderr.isTTY) return
  process.stderr.write(done === of ? '\r\x1b[K' : `\rprocessor model ${done} of ${of}`)
}
