import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { baseline, HostError, parseHost } from '@godwit/compat'
import { collectHost } from './collect.ts'
import { QmpClient } from './qmp-client.ts'

/** Both ends of a monitor whose answers are given by command. */
function monitor(answer: (command: string, args: Record<string, unknown>) => object) {
  const [toQemu, fromQemu] = [new PassThrough(), new PassThrough()]
  const say = (value: object): void => void fromQemu.write(`${JSON.stringify(value)}\r\n`)
  toQemu.setEncoding('utf8')
  toQemu.on('data', (text: string) => {
    for (const line of text.split('\n').filter((l) => l !== '')) {
      const { execute, arguments: args = {} } = JSON.parse(line) as {
        execute: string
        arguments?: Record<string, unknown>
      }
      say({ event: 'NOISE', timestamp: {} })
      say(execute === 'qmp_capabilities' ? { return: {} } : answer(execute, args))
    }
  })
  say({ QMP: { version: {}, capabilities: [] } })
  return { fromQemu, toQemu }
}

const QEMU: Record<string, unknown> = {
  'query-version': { qemu: { major: 10, minor: 0, micro: 13 }, package: '' },
  'query-machines': [
    { name: 'pc-i440fx-10.0', alias: 'pc' },
    { name: 'pc-i440fx-7.0', deprecated: true },
  ],
  'query-cpu-definitions': [
    { name: 'qemu64', 'migration-safe': true, 'unavailable-features': ['svm'] },
    { name: 'max', 'migration-safe': false },
  ],
  'query-migrate-capabilities': [{ capability: 'multifd', state: false }],
  'query-kvm': { enabled: false, present: true },
}

test('What a QEMU says of itself becomes a host that can be read back', async () => {
  const asked: string[] = []
  const { fromQemu, toQemu } = monitor((command, args) => {
    asked.push(command)
    if (command === 'query-cpu-model-expansion') {
      const { name } = args['model'] as { name: string }
      return { return: { model: { name, props: { sse2: true, avx: name === 'max', 'x-hidden': true, level: 13 } } } }
    }
    if (command === 'device-list-properties') {
      if (args['typename'] !== 'e1000') return { error: { class: 'DeviceNotFound', desc: 'not here' } }
      return {
        return: [
          { name: 'mac', type: 'str' },
          { name: 'mitigation', 'default-value': true },
        ],
      }
    }
    return { return: QEMU[command] }
  })
  const found = await collectHost(await QmpClient.open(fromQemu, toQemu), 'a')
  expect(found).toEqual({
    ...{ format: 1, name: 'a', engine: 'qemu', release: '10.0.13', accelerator: 'tcg' },
    machines: [
      { name: 'pc-i440fx-10.0', alias: 'pc' },
      { name: 'pc-i440fx-7.0', deprecated: true },
    ],
    cpus: [{ name: 'qemu64', missing: ['svm'], features: ['sse2'], migratable: true }],
    features: ['avx', 'sse2'],
    capabilities: ['multifd'],
    devices: { e1000: { mac: '', mitigation: 'true' } },
  })
  expect(parseHost(JSON.parse(JSON.stringify(found)), 'a.json')).toEqual(found)
  expect(baseline([found]).cpu!.option).toBe('qemu64,+avx,-svm')
  expect(asked).not.toContain('quit')
})

test('A QEMU that goes away or refuses is named with the command', async () => {
  const gone = monitor(() => ({ return: {} }))
  const open = QmpClient.open(gone.fromQemu, gone.toQemu)
  const client = await open
  gone.fromQemu.end()
  await expect(client.run('query-version')).rejects.toThrow('query-version: the monitor was closed')
  const refusing = monitor(() => ({ error: { class: 'GenericError', desc: 'no' } }))
  await expect((await QmpClient.open(refusing.fromQemu, refusing.toQemu)).run('query-kvm')).rejects.toThrow(
    'query-kvm: no',
  )
})

test('What is no monitor is refused with what came', async () => {
  const stream = new PassThrough()
  stream.write('{"hello": 1}\n')
  await expect(QmpClient.open(stream, new PassThrough())).rejects.toThrow('expected {"QMP": …}, came {"hello":1}')
})

test.each([
  ['query-version', {}, 'query-version: expected an object, came nothing'],
  ['query-version', { qemu: { major: 'x' } }, 'query-version: expected major, minor and micro, came {"major":"x"}'],
  ['query-machines', 5, 'query-machines: expected a list, came 5'],
  ['query-machines', [null], 'query-machines: expected an object, came null'],
  ['query-machines', [{}], 'a: machines[0].name: expected text, came nothing'],
  ['query-cpu-definitions', [{ name: 'n', 'migration-safe': true, 'unavailable-features': 5 }], 'a: cpus[0].missing'],
  ['query-kvm', null, 'query-kvm: expected an object, came null'],
  ['query-cpu-model-expansion', {}, 'query-cpu-model-expansion: expected an object, came nothing'],
  ['device-list-properties', 5, 'device-list-properties: expected a list, came 5'],
])('a peer whose %s answers %j is no host', async (spoiled, value, message) => {
  const { fromQemu, toQemu } = monitor((command) => {
    if (command === spoiled) return { return: value }
    if (command === 'query-cpu-model-expansion') return { return: { model: { props: {} } } }
    return { return: command === 'device-list-properties' ? [] : QEMU[command] }
  })
  const found = QmpClient.open(fromQemu, toQemu).then((q) => collectHost(q, 'a'))
  await expect(found).rejects.toThrow(HostError)
  await expect(found).rejects.toThrow(message)
})

test('a peer that sends without end is cut off, and one that greets with no object is refused', async () => {
  const flood = new PassThrough()
  const cut = expect(QmpClient.open(flood, new PassThrough())).rejects.toThrow(
    'the greeting: more than 16 MiB came, and no answer',
  )
  const chunk = 'x'.repeat(1 << 20)
  for (let i = 0; i < 20 && !flood.destroyed; i++) {
    flood.write(chunk)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await cut
  expect(flood.destroyed).toBe(true)
  const odd = new PassThrough()
  odd.write('5\n')
  await expect(QmpClient.open(odd, new PassThrough())).rejects.toThrow('the greeting: expected an object, came 5')
})
