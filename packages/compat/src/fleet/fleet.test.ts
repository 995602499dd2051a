import { describe, expect, test } from 'vitest'
import { baseline } from './baseline.ts'
import { godwitHost } from './godwit-host.ts'
import { parseHost, type Host, type HostCpu } from './host.ts'
import { planUpgrade } from './upgrade.ts'

const cpu = (name: string, features: string[], missing: string[] = []): HostCpu => ({
  ...{ name, features, missing },
  migratable: true,
})
const host = (name: string, release: string, machines: string[], more: Partial<Host> = {}): Host => ({
  ...{ format: 1, name, engine: 'qemu', release, accelerator: 'kvm' },
  machines: machines.map((m) => ({ name: m })),
  cpus: [cpu('qemu64', ['sse2', 'nx'])],
  features: ['sse2', 'nx'],
  capabilities: ['events'],
  devices: {},
  ...more,
})
const OLD = ['isapc', 'pc-i440fx-9.0', 'pc-i440fx-9.1', 'pc-i440fx-9.2']
const NEW = ['isapc', 'pc-i440fx-9.1', 'pc-i440fx-9.2', 'pc-i440fx-10.0']

describe('machine types', () => {
  test('The newest version that every host has is the baseline, numbers compared as numbers', () => {
    const { machines } = baseline([host('a', '9.2', OLD), host('b', '10.0', NEW)])
    expect(machines.map((m) => m.name)).toEqual(['pc-i440fx-9.2'])
    expect(baseline([host('a', '10.0', NEW), host('b', '10.0', NEW)]).machines[0]!.name).toBe('pc-i440fx-10.0')
  })

  test('What was left out is said with the reason', () => {
    const { leftOut } = baseline([host('a', '9.2', OLD), host('b', '10.0', NEW)])
    expect(leftOut).toContainEqual({ what: 'pc-i440fx-10.0', why: 'not all on a (9.2)' })
    expect(leftOut).toContainEqual({ what: 'isapc', why: 'has no version: it is other hardware in each release' })
  })

  test('A bugfix version is newer than its base and older than the next', () => {
    const all = ['pc-q35-4.0', 'pc-q35-4.0.1']
    expect(baseline([host('a', '4.0.1', all)]).machines[0]!.name).toBe('pc-q35-4.0.1')
    expect(baseline([host('a', '4.1', [...all, 'pc-q35-4.1'])]).machines[0]!.name).toBe('pc-q35-4.1')
  })

  test('Hosts without a common version have no machine in the baseline', () => {
    expect(baseline([host('a', '9.2', ['pc-i440fx-9.0']), host('b', '10.0', NEW)]).machines).toEqual([])
  })
})

describe('processors', () => {
  const small = cpu('Small', ['sse2'])
  const big = cpu('Big', ['sse2', 'avx', 'aes'])

  test('The features are those that every host has, whatever the model', () => {
    const a = host('a', '10.0', NEW, { cpus: [small, big], features: ['sse2', 'avx', 'aes'] })
    const b = host('b', '10.0', NEW, { cpus: [small, { ...big, missing: ['avx'] }], features: ['sse2', 'aes'] })
    const found = baseline([a, b]).cpu!
    expect(found.features).toEqual(['aes', 'sse2'])
    expect(found.option).toBe('Big,-avx')
    expect(baseline([a]).cpu!.option).toBe('Big')
  })

  test('Names that changed between releases are one feature', () => {
    const a = host('a', '3.0', NEW, { cpus: [small], features: ['sse2', 'arch-facilities', 'sse4_1'] })
    const b = host('b', '10.0', NEW, { cpus: [small], features: ['sse2', 'arch-capabilities', 'sse4.1'] })
    expect(baseline([a, b]).cpu!.extra).toEqual(['arch-capabilities', 'sse4.1'])
  })

  test('A model that is not the same on every host is not taken, nor one that is the host itself', () => {
    const a = host('a', '10.0', NEW, { cpus: [big, cpu('max', ['sse2'])], features: ['sse2', 'avx', 'aes'] })
    const other = { ...cpu('max', ['sse2']), migratable: false }
    const b = host('b', '10.1', NEW, { cpus: [cpu('Big', ['sse2', 'avx']), other], features: ['sse2', 'avx', 'aes'] })
    const { cpu: found, leftOut } = baseline([a, b])
    expect(found).toBeUndefined()
    expect(leftOut).toContainEqual({ what: '-cpu Big', why: 'is not the same everywhere: aes' })
  })

  test('What would stop a migration is no part of a baseline', () => {
    const a = host('a', '10.0', NEW, {
      cpus: [small],
      features: ['sse2', 'invtsc', 'vmx', 'kvm-nopiodelay', 'hv-time'],
    })
    expect(baseline([a]).cpu!.features).toEqual(['sse2'])
  })
})

test('Properties that some host lacks are named with the host', () => {
  const net = (...names: string[]) => ({ 'virtio-net-pci': Object.fromEntries(names.map((n) => [n, ''])) })
  const found = baseline([
    host('a', '9.2', OLD, { devices: net('host_uso', 'mac') }),
    host('b', '6.0', NEW, { devices: net('mac') }),
  ])
  expect(found.properties).toEqual([{ device: 'virtio-net-pci', property: 'host_uso', lackedBy: ['b'] }])
})

test('Godwit beside a QEMU of its newest release takes the newest machine type and a model both have whole', () => {
  const own = godwitHost('g')
  const found = baseline([own, { ...own, name: 'q', engine: 'qemu' }])
  expect(found.machines.map((m) => m.name)).toContain(own.machines[0]!.name)
  expect(found.cpu!.features).toEqual(expect.arrayContaining(['sse2', 'lm', 'nx']))
})

describe('a rolling upgrade', () => {
  const fleet = [host('a', '9.2', [...OLD, 'pc-i440fx-5.0']), host('b', '10.0', [...NEW, 'pc-i440fx-5.0'])]

  test('While hosts are mixed the old baseline holds; the new version comes when the last host is upgraded', () => {
    const plan = planUpgrade(fleet, '11.1')
    expect(plan.stages.map((s) => s.machines)).toEqual([['pc-i440fx-9.2'], ['pc-i440fx-9.2'], ['pc-i440fx-11.1']])
  })

  test('Guests on a machine type that the release does not have any more are named, with where to go', () => {
    expect(planUpgrade(fleet, '11.1').lost).toEqual([
      { name: 'pc-i440fx-5.0', hosts: ['a', 'b'], instead: 'pc-i440fx-9.2' },
    ])
    expect(planUpgrade(fleet, '11.0').lost.map((l) => l.name)).toEqual(['pc-i440fx-5.0'])
    expect(planUpgrade(fleet, '10.2').lost).toEqual([])
  })

  test('What is lost is told in the order of versions, 2.9 before 2.10', () => {
    const names = ['pc-i440fx-2.10', 'pc-i440fx-2.9', 'pc-i440fx-9.2']
    const lost = planUpgrade([host('a', '9.2', names)], '11.1').lost
    expect(lost.map((l) => l.name)).toEqual(['pc-i440fx-2.9', 'pc-i440fx-2.10'])
  })

  test('A date stands for the release of that day', () => {
    expect(planUpgrade(fleet, '2026-11-22').release).toBe('11.1')
    expect(() => planUpgrade(fleet, 'soon')).toThrow('expected a release such as')
  })
})

describe('a file that is no offer', () => {
  const good = JSON.parse(JSON.stringify(host('a', '9.2', OLD))) as Record<string, unknown>
  test.each([
    ['a list', [], 'x.json: expected an object, came []'],
    ['no format', {}, 'x.json: format: expected 1, came nothing'],
    ['a name that is a number', { ...good, name: 7 }, 'x.json: name: expected text, came 7'],
    ['machines that are text', { ...good, machines: 'pc' }, 'x.json: machines: expected a list, came "pc"'],
    ['a machine without a name', { ...good, machines: [{}] }, 'x.json: machines[0].name: expected text, came nothing'],
    ['another engine', { ...good, engine: 'bochs' }, 'x.json: engine: expected qemu or godwit, came "bochs"'],
  ])('%s is refused with the place', (_what, value, message) => {
    expect(() => parseHost(value, 'x.json')).toThrow(message)
  })

  test('A whole one comes back as it was', () => {
    expect(parseHost(good, 'x.json')).toEqual(good)
  })

  test('Two hosts of one name and no host at all are refused', () => {
    expect(() => baseline([])).toThrow('at least one host')
    expect(() => baseline([host('a', '9.2', OLD), host('a', '9.2', OLD)])).toThrow('two hosts are called a')
  })
})
