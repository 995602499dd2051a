/** godwit machine: machine types, their life, and what a change does to them. */
import { readFileSync } from 'node:fs'
import { nearest } from '@godwit/bits'
import { ChangeRefused, parseChange, planBackport, planText, PlanRefused, type ProposedChange } from '@godwit/compat'
import { CalendarError, knownFamilies, UnknownMachine } from '@godwit/machines'
import { reasonOf } from '../files.ts'
import { deprecations, listed, shown } from '../machine/life-text.ts'
import { setDefaultHere } from '../machine/set-default-here.ts'
import { UsageError } from '../usage-error.ts'
import { print, type Command } from './command.ts'

const HELP = `godwit machine: machine types, their life, and what a change does to them

  godwit machine list [--at RELEASE|DATE] [--json]
      every machine type that a release has, when it was born and when it ends
  godwit machine show NAME [--at RELEASE|DATE] [--json]
      one machine type: its life, and every property that it sets, with the row that says so
  godwit machine deprecations [--at RELEASE|DATE] [--json]
      what each coming release warns of for the first time, and what it deletes
  godwit machine set-default TYPE.PROPERTY=VALUE [--landed RELEASE] [--row VERSION] [--dry-run] [--json]
      in a checkout: changes a device's default, and writes the old value into the row of the newest release
  godwit machine plan-backport (FILE.json | --what NAME --landed RELEASE ...) [--on DATE] [--json]
      which machine versions and branches a change needs, in which order, or that it needs none

      --kind default|state|fix   default: default
      --was VALUE --becomes VALUE
      --into RELEASE             a release of an older branch that shall have it; may be repeated
      --ended BRANCH             a branch that gets no more releases; may be repeated
      --family NAME              pc-i440fx, pc-q35; may be repeated. Default: all
      --visible                  of a fix: a guest or the stream can tell
      --repairs RELEASE          the change repairs what the backport in that release broke

Example: a fix of a default shall reach three stable branches; how many machine types is that?

  godwit machine plan-backport --what hpet.msi --was off --becomes on --landed 11.2 \\
    --into 10.2.5 --into 11.0.4 --into 11.1.1
`

const VERBS = ['list', 'show', 'deprecations', 'set-default', 'plan-backport']

export const machine: Command = {
  name: 'machine',
  summary: 'machine types: list, life, changed defaults, backports',
  help: HELP,
  run([verb, ...args]) {
    try {
      return run(verb, args)
    } catch (thrown) {
      if (
        thrown instanceof CalendarError ||
        thrown instanceof UnknownMachine ||
        thrown instanceof ChangeRefused ||
        thrown instanceof PlanRefused
      ) {
        throw new UsageError(thrown.message)
      }
      throw thrown
    }
  },
}

function run(verb: string | undefined, args: readonly string[]): number {
  switch (verb) {
    case 'list':
    case 'deprecations': {
      const { words, one, flags } = split(args, ['--at'], ['--json'])
      if (words.length > 0) throw new UsageError(`godwit machine ${verb} takes no "${words[0]!}"`)
      return answer((verb === 'list' ? listed : deprecations)(one('--at') ?? today()), flags.has('--json'))
    }
    case 'show': {
      const { words, one, flags } = split(args, ['--at'], ['--json'])
      if (words.length !== 1) throw new UsageError('godwit machine show takes the name of one machine type')
      return answer(shown(words[0]!, one('--at') ?? today()), flags.has('--json'))
    }
    case 'set-default':
      return changeDefault(args)
    case 'plan-backport':
      return plan(args)
    case undefined:
      return print(HELP)
    default:
      throw new UsageError(`no command "machine ${verb}"; the nearest is ${nearest(verb, VERBS, 1)[0]!}`)
  }
}

const today = (): string => new Date().toISOString().slice(0, 10)

function answer(found: { readonly json: unknown; readonly text: string }, json: boolean): number {
  return print(json ? `${JSON.stringify(found.json, null, 2)}\n` : found.text)
}

function changeDefault(args: readonly string[]): number {
  const { words, one, flags } = split(args, ['--landed', '--row'], ['--dry-run', '--json'])
  const [word = ''] = words
  const at = word.indexOf('=')
  if (words.length !== 1 || at < 1) {
    throw new UsageError('godwit machine set-default takes TYPE.PROPERTY=VALUE, such as hpet.msi=on')
  }
  const [landed, row] = [one('--landed'), one('--row')]
  const change = {
    property: word.slice(0, at),
    value: word.slice(at + 1),
    ...(landed === undefined ? {} : { landed }),
    ...(row === undefined ? {} : { row }),
  }
  return answer(setDefaultHere(change, process.cwd(), flags.has('--dry-run')), flags.has('--json'))
}

function plan(args: readonly string[]): number {
  const valued = [
    '--what',
    '--kind',
    '--was',
    '--becomes',
    '--landed',
    '--repairs',
    '--into',
    '--ended',
    '--family',
    '--on',
  ]
  const { words, one, all, flags } = split(args, valued, ['--visible', '--json'])
  if (words.length > 1 || (words.length === 1) === (one('--what') !== undefined)) {
    throw new UsageError('godwit machine plan-backport takes one FILE.json, or --what NAME --landed RELEASE')
  }
  const change = words.length === 1 ? parseChange(readJson(words[0]!)) : fromOptions(one, all, flags)
  const made = planBackport(change, { families: knownFamilies, today: one('--on') ?? today() })
  return answer({ json: made, text: planText(made) }, flags.has('--json'))
}

function fromOptions(one: Split['one'], all: Split['all'], flags: ReadonlySet<string>): ProposedChange {
  const texts = ['what', 'was', 'becomes', 'landed', 'repairs'].flatMap((name) => {
    const value = one(`--${name}`)
    return value === undefined ? [] : [[name, value] as const]
  })
  const lists = [
    ['into', all('--into')],
    ['ended', all('--ended')],
    ['families', all('--family')],
  ] as const
  return parseChange({
    ...Object.fromEntries(texts),
    kind: one('--kind') ?? (one('--repairs') === undefined ? 'default' : 'fix'),
    ...Object.fromEntries(lists.filter(([, values]) => values.length > 0)),
    ...(flags.has('--visible') ? { visible: true } : {}),
  })
}

function readJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new UsageError(`cannot read ${file}: ${reasonOf(thrown)}`)
  }
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new UsageError(`${file} is not JSON: ${(thrown as Error).message}`)
  }
}

interface Split {
  readonly words: readonly string[]
  readonly flags: ReadonlySet<string>
  readonly one: (name: string) => string | undefined
  readonly all: (name: string) => readonly string[]
}

function split(args: readonly string[], valued: readonly string[], switches: readonly string[]): Split {
  const words: string[] = []
  const flags = new Set<string>()
  const values = new Map<string, string[]>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('--')) words.push(arg)
    else if (switches.includes(arg)) flags.add(arg)
    else if (!valued.includes(arg)) {
      const known = [...valued, ...switches]
      throw new UsageError(`no option ${arg}; the nearest are ${nearest(arg, known, 2).join(', ')}`)
    } else {
      const value = args[++i]
      if (value === undefined) throw new UsageError(`${arg} needs a value`)
      values.set(arg, [...(values.get(arg) ?? []), value])
    }
  }
  return { words, flags, one: (name) => values.get(name)?.at(-1), all: (name) => values.get(name) ?? [] }
}
