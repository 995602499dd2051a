/** What the monitor can be asked: names, arguments and replies are QEMU's. */
import { AddressError, parseChannels, parseUri, type MigrationAddress } from '@godwit/migration-net/node'
import type { Control } from '../control.ts'
import type { Arguments, Signature } from './arguments.ts'
import { queryCapabilities, queryParameters, setCapabilities, setParameters } from './migration-settings.ts'
import { QmpError } from './qmp-error.ts'

/** What the monitor says about the program. */
export interface Facts {
  readonly version: { readonly major: number; readonly minor: number; readonly micro: number }
  readonly package: string
  readonly name: string | undefined
  readonly uuid: string | undefined
  readonly pid: number
  /** Machine types, with the alias of those that have one. */
  readonly machines: readonly { readonly name: string; readonly alias?: string }[]
  /** Figures of the processor, as text. */
  readonly statistics?: () => string
}

export interface Asked {
  readonly control: Control
  readonly facts: Facts
  readonly args: Arguments
  /** Runs after the reply has been sent. */
  readonly afterwards: (work: () => void) => void
}

interface Command {
  readonly signature: Signature | 'any'
  run(asked: Asked): unknown
}

const NOTHING: Signature = {}
const DONE = {}

function does(signature: Signature | 'any', work: (asked: Asked) => void | Promise<void>): Command {
  return {
    signature,
    async run(asked) {
      await work(asked)
      return DONE
    },
  }
}
const tells = (run: (asked: Asked) => unknown): Command => ({ signature: NOTHING, run })

export const versionOf = (facts: Facts): unknown => ({
  qemu: { micro: facts.version.micro, minor: facts.version.minor, major: facts.version.major },
  package: facts.package,
})

export const commands: Readonly<Record<string, Command>> = {
  'query-status': tells(({ control: { machine } }) => ({ status: machine.runState, running: machine.running })),
  'query-version': tells(({ facts }) => versionOf(facts)),
  'query-name': tells(({ facts }) => (facts.name === undefined ? {} : { name: facts.name })),
  'query-uuid': tells(({ facts }) => ({ UUID: facts.uuid ?? '00000000-0000-0000-0000-000000000000' })),
  'query-target': tells(() => ({ arch: 'x86_64' })),
  'query-kvm': tells(() => ({ enabled: false, present: false })),
  'query-commands': tells(() => ['qmp_capabilities', ...Object.keys(commands)].map((name) => ({ name }))),
  'query-machines': {
    signature: { 'compat-props': 'bool?' },
    run: ({ facts }) => facts.machines.map(machineInfo),
  },
  'x-query-jit': tells(({ facts }) => {
    if (facts.statistics === undefined) throw new QmpError('JIT information is only available with accel=tcg')
    return { 'human-readable-text': facts.statistics() }
  }),
  'query-cpus-fast': tells(({ facts }) => [
    {
      'thread-id': facts.pid,
      props: { 'core-id': 0, 'thread-id': 0, 'socket-id': 0 },
      'qom-path': '/machine/unattached/device[0]',
      'cpu-index': 0,
      target: 'x86_64',
    },
  ]),

  stop: does(NOTHING, ({ control }) => control.stop()),
  cont: does(NOTHING, ({ control }) => control.cont()),
  system_reset: does(NOTHING, ({ control }) => control.reset()),
  system_powerdown: does(NOTHING, ({ control }) => control.powerdown()),
  quit: does(NOTHING, ({ control, afterwards }) => afterwards(() => control.quit('host-qmp-quit'))),

  migrate: does(
    { uri: 'str?', channels: 'list?', detach: 'bool?', resume: 'bool?', blk: 'bool?', inc: 'bool?' },
    ({ control, args }) => {
      for (const flag of ['resume', 'blk', 'inc']) {
        if (args[flag] === true) throw new QmpError(`Parameter '${flag}' is not supported here`)
      }
      const address = addressOf(args)
      if (address.kind === 'file' && address.offset !== 0) {
        throw new QmpError('writing a file from an offset is not supported')
      }
      control.migrate(address)
    },
  ),
  'migrate-incoming': does({ uri: 'str?', channels: 'list?', 'exit-on-error': 'bool?' }, ({ control, args }) =>
    control.receiveLater(addressOf(args)),
  ),
  migrate_cancel: does(NOTHING, ({ control }) => control.cancelMigration()),
  'migrate-continue': does({ state: 'str' }, ({ control }) => control.continueMigration()),
  'query-migrate': tells(({ control }) => control.queryMigration()),
  'migrate-set-parameters': does('any', ({ control, args }) => setParameters(control, args)),
  'query-migrate-parameters': tells(({ control }) => queryParameters(control)),
  'migrate-set-capabilities': does({ capabilities: 'list' }, ({ control, args }) =>
    setCapabilities(control, args['capabilities'] as unknown[]),
  ),
  'query-migrate-capabilities': tells(({ control }) => queryCapabilities(control)),
}

function machineInfo(machine: Facts['machines'][number]): Record<string, unknown> {
  return {
    'hotpluggable-cpus': false,
    name: machine.name,
    'numa-mem-supported': false,
    'default-cpu-type': 'qemu64-x86_64-cpu',
    'cpu-max': 1,
    deprecated: false,
    'default-ram-id': 'pc.ram',
    ...(machine.alias === undefined ? {} : { 'is-default': true, alias: machine.alias }),
  }
}

function addressOf(args: Arguments): MigrationAddress {
  const { uri, channels } = args
  if (uri !== undefined && channels !== undefined) {
    throw new QmpError(
      "'uri' and 'channels' arguments are mutually exclusive; exactly one of the two should be present",
    )
  }
  try {
    if (typeof uri === 'string') return refuseDefer(parseUri(uri), uri)
    if (channels !== undefined) return parseChannels(channels)
  } catch (thrown) {
    if (thrown instanceof AddressError) throw new QmpError(thrown.message)
    throw thrown
  }
  throw new QmpError("need either 'uri' or 'channels' argument")
}

function refuseDefer(address: MigrationAddress, uri: string): MigrationAddress {
  if (address.kind === 'defer') throw new QmpError(`unknown migration protocol: ${uri}`)
  return address
}
