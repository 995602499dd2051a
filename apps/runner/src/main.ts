/** The command `godwit`. */
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { nearest } from '@godwit/bits'
import { machineTypes, namesOf, refusalsOf } from '@godwit/machines'
import { print } from './commands/command.ts'
import { commands } from './commands/commands.ts'
import { helpText, runHelp } from './help.ts'
import { inspectCommand } from './inspect-command.ts'
import { parseRun } from './options.ts'
import { run } from './run-command.ts'
import { UsageError } from './usage-error.ts'
import { PACKAGE } from './version.ts'

const COMMANDS = ['run', 'inspect', 'machines', ...commands.map((c) => c.name), 'help']

/** Runs the command line, and exits with its status. */
export async function main(args: readonly string[]): Promise<void> {
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
      return print(inspectCommand(rest))
    case 'machines':
      return print(machineList())
    case '--version':
    case '-version':
      return print(`${PACKAGE}\n`)
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return print(help(rest[0]))
    default: {
      const found = commands.find((c) => c.name === name)
      if (found) return rest.includes('--help') || rest.includes('-h') ? print(found.help) : found.run(rest)
      // a command line of QEMU's has no command
      if (name.startsWith('-')) return run(parseRun(args))
      throw new UsageError(`no command "${name}"; the nearest are ${nearest(name, COMMANDS, 2).join(', ')}`)
    }
  }
}

function help(name: string | undefined): string {
  if (name === 'run') return runHelp()
  const found = commands.find((c) => c.name === name)
  if (found === undefined && name !== undefined && !COMMANDS.includes(name)) {
    throw new UsageError(`no command "${name}"; the nearest are ${nearest(name, COMMANDS, 2).join(', ')}`)
  }
  return found?.help ?? helpText(commands)
}

function machineList(): string {
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
  await main(process.argv.slice(2))
