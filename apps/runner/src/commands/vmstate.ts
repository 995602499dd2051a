/** godwit vmstate: the life of every line of state. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { nearest } from '@godwit/bits'
import { free, parseHistory, wholeLedger, why, whyOf, type Ledger, type Why } from '@godwit/compat'
import { CalendarError, newestRelease, nextRelease, releaseAt } from '@godwit/machines'
import { freeText, ledgerText, whyText } from '../ledger/ledger-text.ts'
import { UsageError } from '../usage-error.ts'
import { print, type Command } from './command.ts'

const HELP = `godwit vmstate: when a line of state was born, what switches it off, and which bytes are free

  godwit vmstate why DEVICE.FIELD [--json]
      birth, machine types, gate, changes and past meanings of a field, subsection, version or unused slot. A field may
      be given by its last words (acpi_index), by a name of the past, or with its subsection (piix4_pm/cpuhp/cpuhp_state)
  godwit vmstate why --all [--json]
      the same of every line, also of QEMU's sections that Godwit has not got
  godwit vmstate free [--at RELEASE|DATE] [--all] [--json]
      the unused bytes: which of them may get a new meaning at that release, and why the others may not. Default: the
      release that is being made; with --all also those of sections that Godwit has not got
  godwit vmstate ledger DEVICE [--json]
      every line that a description has or had

Example: in which machine type's timeframe did the ACPI index appear, and may the bytes of the RTC be used again?

  godwit vmstate why piix4_pm.acpi_index
  godwit vmstate free --at 11.2
`

const VERBS = ['why', 'free', 'ledger']

export const vmstate: Command = {
  name: 'vmstate',
  summary: 'the life of every line of state; which unused bytes are free',
  help: HELP,
  run([verb, ...args]) {
    switch (verb) {
      case 'why':
        return print(whyCommand(args))
      case 'free':
        return print(freeCommand(args))
      case 'ledger':
        return print(ledgerCommand(args))
      case undefined:
        return print(HELP)
      default:
        throw new UsageError(`no command "vmstate ${verb}"; the nearest is ${nearest(verb, VERBS, 1)[0]!}`)
    }
  },
}

function ledgerHere(): Ledger {
  const path = createRequire(import.meta.url).resolve('@godwit/compat/data/history.json')
  return wholeLedger(parseHistory(readFileSync(path, 'utf8')))
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function whyCommand(args: readonly string[]): string {
  const { words, flags } = split(args, ['--json', '--all'])
  const ledger = ledgerHere()
  let lines: readonly Why[]
  if (flags.has('--all')) {
    if (words.length > 0) throw new UsageError(`vmstate why --all takes no name, came "${words[0]!}"`)
    lines = ledger.lines.map(whyOf)
  } else {
    const path = one(words, 'vmstate why takes the name of a line of state, such as piix4_pm.acpi_index, or --all')
    const found = why(ledger, path)
    if (found.lines.length === 0) {
      const near =
        found.near.length > 0 ? `the nearest are ${found.near.join(', ')}` : 'godwit vmstate ledger DEVICE lists them'
      throw new UsageError(`no line of state "${path}"; ${near}`)
    }
    lines = found.lines
  }
  return flags.has('--json') ? json(lines) : whyText(lines)
}

function freeCommand(args: readonly string[]): string {
  const { words, flags, values } = split(args, ['--json', '--all'], ['--at'])
  if (words.length > 0) throw new UsageError(`vmstate free takes no "${words[0]!}"; a release is given as --at 11.2`)
  const at = releaseOf(values.get('--at') ?? nextRelease(newestRelease().version))
  const slots = free(ledgerHere(), at).filter((s) => s.ours || flags.has('--all'))
  return flags.has('--json') ? json({ at, slots }) : freeText(slots, at)
}

function ledgerCommand(args: readonly string[]): string {
  const { words, flags } = split(args, ['--json'])
  const name = one(words, 'vmstate ledger takes the name of a description, such as mc146818rtc')
  const ledger = ledgerHere()
  const lines = ledger.lines.filter((l) => l.description === name)
  if (lines.length === 0) {
    const known = [...new Set(ledger.lines.map((l) => l.description))]
    throw new UsageError(`no description "${name}"; the nearest are ${nearest(name, known).join(', ')}`)
  }
  return flags.has('--json') ? json(lines.map(whyOf)) : ledgerText(ledger, name)
}

function releaseOf(text: string): string {
  try {
    return releaseAt(text)
  } catch (thrown) {
    if (thrown instanceof CalendarError) throw new UsageError(thrown.message)
    throw thrown
  }
}

function one(words: readonly string[], otherwise: string): string {
  const [word, more] = words
  if (word === undefined || more !== undefined) throw new UsageError(otherwise)
  return word
}

/** Words that stand alone, flags, and the values of options that take one. */
function split(args: readonly string[], allowed: readonly string[], valued: readonly string[] = []) {
  const words: string[] = []
  const flags = new Set<string>()
  const values = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('--')) words.push(arg)
    else if (allowed.includes(arg)) flags.add(arg)
    else if (!valued.includes(arg))
      throw new UsageError(`no option ${arg}; there are ${[...valued, ...allowed].join(', ')}`)
    else if (args[i + 1] === undefined) throw new UsageError(`${arg} needs a value, such as ${arg} 11.2`)
    else values.set(arg, args[++i]!)
  }
  return { words, flags, values }
}
