/** godwit compat: whether a machine of one build can go to another, for one pair or for all of them. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { nearest } from '@godwit/bits'
import {
  BuildError,
  checkBoth,
  godwitBuild,
  machineOf,
  matrix,
  matrixHtml,
  matrixText,
  nameOfBuild,
  parseBuild,
  verdictText,
  worstOf,
  type BothOptions,
  type Build,
  type CompatProperty,
  type HopVerdict,
} from '@godwit/compat'
import { mustBeKnown } from '../compat/known-properties.ts'
import { reasonOf } from '../files.ts'
import { UsageError } from '../usage-error.ts'
import { print, type Command } from './command.ts'

/** Releases of QEMU whose facts are built in. */
const BUILT_IN = ['5.2', '7.2', '10.0', '11.1']

const HELP = `godwit compat: what migrates to what

  godwit compat check A B --machine M [--device TYPE[,PROPERTY=VALUE...]...] [--cpu MODEL] [--multifd] [--kvm]
                [--global TYPE.PROPERTY=VALUE...] [--a-global ...] [--b-global ...] [--started a|b] [--all] [--json]
      both directions for one machine type; --global sets a property on both sides, --a-global on A alone; --all tells
      also what does no harm, --started in which build the guest was powered on. Exit status 1 if either direction is refused or loads something else.
  godwit compat matrix [--builds A,B...] [--machines M,N...] [--device ...] [--cpu MODEL] [--json | --html]
      every build against every other for every machine type, and ways over several hops
  godwit compat describe [--json]
      this Godwit as JSON: keep it, and check a later build against it

A and B are "godwit", "qemu:RELEASE" (${BUILT_IN.join(', ')}), or a file of "godwit compat describe" or of
scripts/collect-qemu.mjs.

Example: why does a guest with virtio-blk not get from QEMU 10.0.13 to 11.1, and what helps?

  godwit compat check qemu:10.0 qemu:11.1 --machine pc-i440fx-5.2 --device virtio-blk-pci
  godwit compat check qemu:10.0 qemu:11.1 --machine pc-i440fx-5.2 --device virtio-blk-pci \\
                      --b-global virtio-blk-device.queue-size=1024
`

export const compat: Command = {
  name: 'compat',
  summary: 'whether a machine of one build can go to another; the matrix of all',
  help: HELP,
  run([verb, ...args]) {
    switch (verb) {
      case 'check':
        return checkCommand(args)
      case 'matrix':
        return print(matrixCommand(args))
      case 'describe':
        for (const arg of args) if (arg !== '--json') throw new UsageError(`godwit compat describe takes no "${arg}"`)
        return print(`${JSON.stringify(godwitBuild())}\n`)
      case undefined:
        return print(HELP)
      default: {
        const near = nearest(verb, ['check', 'matrix', 'describe'], 1)[0]!
        throw new UsageError(`no command "compat ${verb}"; the nearest is ${near}`)
      }
    }
  },
}

const VALUED = [
  '--machine',
  '--device',
  '--cpu',
  '--global',
  '--a-global',
  '--b-global',
  '--builds',
  '--machines',
  '--started',
]
const FLAGS = ['--json', '--html', '--all', '--multifd', '--kvm']

interface Parsed {
  readonly words: readonly string[]
  readonly values: ReadonlyMap<string, readonly string[]>
}

function split(args: readonly string[]): Parsed {
  const words: string[] = []
  const values = new Map<string, string[]>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('--')) words.push(arg)
    else if (FLAGS.includes(arg)) values.set(arg, [])
    else if (!VALUED.includes(arg)) {
      throw new UsageError(`no option ${arg}; the nearest is ${nearest(arg, [...VALUED, ...FLAGS], 1)[0]!}`)
    } else if (args[i + 1] === undefined) throw new UsageError(`${arg} needs a value`)
    else values.set(arg, [...(values.get(arg) ?? []), args[++i]!])
  }
  return { words, values }
}

function optionsOf({ values }: Parsed): BothOptions {
  const devices = (values.get('--device') ?? []).map((d) => d.split(','))
  const ofDevices = devices.flatMap(([type, ...props]) => props.map((p) => propertyOf(`${type!}.${p}`, '--device')))
  const globals = (option: string): CompatProperty[] => (values.get(option) ?? []).map((g) => propertyOf(g, option))
  const cpu = values.get('--cpu')?.at(-1)
  const started = values.get('--started')?.at(-1)
  if (started !== undefined && started !== 'a' && started !== 'b') {
    throw new UsageError(`--started takes a or b, came "${started}"`)
  }
  return {
    devices: devices.map(([type]) => type!),
    options: [...globals('--global'), ...ofDevices],
    sourceOptions: globals('--a-global'),
    destinationOptions: globals('--b-global'),
    multifd: values.has('--multifd'),
    kvm: values.has('--kvm'),
    ...(cpu === undefined ? {} : { cpu }),
    ...(started === undefined ? {} : { startedIn: started }),
  }
}

function optionsFor(builds: readonly Build[], parsed: Parsed): BothOptions {
  const found = optionsOf(parsed)
  const named = [found.options, found.sourceOptions, found.destinationOptions]
  mustBeKnown(
    builds,
    named.flatMap((o) => o ?? []),
  )
  return found
}

function propertyOf(text: string, option: string): CompatProperty {
  const parts = /^([^.=]+)\.([^=]+)=(.*)$/.exec(text)
  if (parts === null) throw new UsageError(`${option} takes TYPE.PROPERTY=VALUE, came "${text}"`)
  return { type: parts[1]!, property: parts[2]!, value: parts[3]! }
}

function buildOf(text: string): Build {
  if (text === 'godwit') return godwitBuild()
  const release = /^qemu[:-](.*)$/.exec(text)?.[1]
  if (release !== undefined && !BUILT_IN.includes(release)) {
    throw new UsageError(`no facts of QEMU ${release} are built in; there are ${BUILT_IN.join(', ')}, or a file`)
  }
  const file =
    release === undefined ? text : createRequire(import.meta.url).resolve(`@godwit/compat/data/qemu/${release}.json`)
  let json: string
  try {
    json = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new UsageError(
      `cannot read the build ${text}: ${reasonOf(thrown)}; a build is godwit, qemu:RELEASE or a file`,
    )
  }
  try {
    return parseBuild(json)
  } catch (thrown) {
    if (thrown instanceof BuildError) throw new UsageError(`${text}: ${thrown.message}`)
    throw thrown
  }
}

function checkCommand(args: readonly string[]): number {
  const parsed = split(args)
  const { words, values } = parsed
  const machine = values.get('--machine')?.at(-1)
  if (words.length !== 2 || machine === undefined) {
    throw new UsageError(
      'godwit compat check takes two builds and --machine: check godwit qemu:11.1 --machine pc-i440fx-5.2',
    )
  }
  const [a, b] = words.map(buildOf) as [Build, Build]
  if (machineOf(a, machine) === undefined && machineOf(b, machine) === undefined) {
    const known = [...new Set([a, b].flatMap((x) => x.machines.map((m) => m.name)))]
    throw new UsageError(`no build has machine type ${machine}; the nearest are ${nearest(machine, known).join(', ')}`)
  }
  const { there, back } = checkBoth(a, b, machine, optionsFor([a, b], parsed))
  const kinds = [worstOf(there), worstOf(back)] as const
  const failed = kinds.some((kind) => kind !== 'fine' && kind !== 'fine-if')
  if (values.has('--json')) {
    const answer = { machine, a: nameOfBuild(a), b: nameOfBuild(b), there: answerOf(there), back: answerOf(back) }
    print(`${JSON.stringify(answer, null, 2)}\n`)
    return failed ? 1 : 0
  }
  print(directionText(a, b, machine, there, values.has('--all')))
  print(`\n${directionText(b, a, machine, back, values.has('--all'))}`)
  return failed ? 1 : 0
}

const answerOf = (verdicts: readonly HopVerdict[]) => ({ kind: worstOf(verdicts), verdicts })

function directionText(a: Build, b: Build, machine: string, verdicts: readonly HopVerdict[], all: boolean): string {
  const shown = verdicts.filter((v) => all || v.kind !== 'fine')
  const silent = verdicts.length - shown.length
  const parts = shown.map((v) => `  ${verdictText(v).replaceAll('\n', '\n  ')}\n`)
  const rest = silent === 0 ? '' : `  and ${silent} that ${silent === 1 ? 'does' : 'do'} no harm: --all\n`
  return `${nameOfBuild(a)} → ${nameOfBuild(b)}, ${machine}: ${worstOf(verdicts)}\n${parts.join('')}${rest}`
}

function matrixCommand(args: readonly string[]): string {
  const parsed = split(args)
  const { words, values } = parsed
  if (words.length > 0) throw new UsageError(`godwit compat matrix takes no "${words[0]!}"; builds go behind --builds`)
  if (values.has('--json') && values.has('--html')) throw new UsageError('either --json or --html')
  const listOf = (option: string): string[] | undefined => values.get(option)?.flatMap((v) => v.split(','))
  const builds = (listOf('--builds') ?? [...BUILT_IN.map((r) => `qemu:${r}`), 'godwit']).map(buildOf)
  if (builds.length < 2)
    throw new UsageError('godwit compat matrix takes two builds or more: --builds godwit,qemu:11.1')
  const machines = listOf('--machines')
  const known = [...new Set(builds.flatMap((b) => b.machines.map((m) => m.name)))]
  for (const m of machines ?? []) {
    if (!known.includes(m)) {
      throw new UsageError(`no build has machine type ${m}; the nearest are ${nearest(m, known).join(', ')}`)
    }
  }
  const found = matrix(builds, { ...optionsFor(builds, parsed), ...(machines === undefined ? {} : { machines }) })
  if (values.has('--json')) return `${JSON.stringify(found, null, 2)}\n`
  return values.has('--html') ? matrixHtml(found) : matrixText(found)
}
