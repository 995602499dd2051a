/** The command `godwit`. */
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { nearest } from '@godwit/bits'
import { print, type Command } from './commands/command.ts'
import { helpText, runHelp } from './help.ts'
import { parseRun } from './options.ts'
import { run } from './run-command.ts'
import { UsageError } from './usage-error.ts'
import { PACKAGE } from './version.ts'

/** Loaded when one of them is asked for: a machine that is to start does not wait for them. */
const otherCommands = async (): Promise<readonly Command[]> => (await import('./commands/commands.ts')).commands

/** Status of a program that wrote to a pipe nobody reads: 128 and SIGPIPE, as shells have it. */
const NOBODY_READS = 141

/** Runs the command line, and exits with its status. */
export async function main(args: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(NOBODY_READS)
    throw error
  })
  let status = 1
  try {
    status = await command(args)
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    process.stderr.write(`godwit: ${thrown.message}\n`)
  }
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  process.exit(status)
}

async function command(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  switch (name) {
    case 'run':
      if (rest.includes('--help') || rest.includes('-h')) return print(runHelp())
      return run(parseRun(rest))
    case 'inspect':
      return print((await import('./inspect-command.ts')).inspectCommand(rest))
    case 'machines':
      return print(await machineList())
    case '--version':
    case '-version':
      return print(`${PACKAGE}\n`)
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return print(await help(rest[0]))
    default: {
      // a command line of QEMU's has no command
      if (name.startsWith('-')) return run(parseRun(args))
      const commands = await otherCommands()
      const found = commands.find((c) => c.name === name)
      if (found) return rest.includes('--help') || rest.includes('-h') ? print(found.help) : found.run(rest)
      throw new UsageError(`no command "${name}"; the nearest are ${nearest(name, names(commands), 2).join(', ')}`)
    }
  }
}

const names = (commands: readonly Command[]): string[] => [
  ...['run', 'inspect', 'machines'],
  ...commands.map((c) => c.name),
  'help',
]

async function help(name: string | undefined): Promise<string> {
  if (name === 'run') return runHelp()
  const commands = await otherCommands()
  const found = commands.find((c) => c.name === name)
  if (found === undefined && name !== undefined && !names(commands).includes(name)) {
    throw new UsageError(`no command "${name}"; the nearest are ${nearest(name, names(commands), 2).join(', ')}`)
  }
  return found?.help ?? helpText(commands)
}

async function machineList(): Promise<string> {
  const { machineTypes, namesOf, refusalsOf } = await import('@godwit/machines')
  return machineTypes()
    .filter((type) => refusalsOf(type).length === 0)
    .map((type) => {
      const also = namesOf(type)
      return `${type.name.padEnd(20)} ${type.family.doc}${also.length > 0 ? `  (also: ${also.join(', ')})` : ''}\n`
    })
    .join('')
}

const [, script] = process.argv
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href)
  void main(process.argv.slice(2))
