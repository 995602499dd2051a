/** Collects a Build from one binary of QEMU. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findDescription, StreamReader } from '../../packages/vmstate/src/index.ts'
import { fromDump, fromStream, refined } from './schema.mjs'
import { withQemu } from './qemu.mjs'

const RAM_BYTES = 128 * 2 ** 20
/** No object of a machine's that decides anything here. */
const DULL = /^(System|PCI|PCIE|ISA|IDE|SCSI|HDA|usb-bus|i2c-bus|floppy-bus|qemu-.*console|virtio-.*-bus|container)$/
/** Properties that say where a device sits or what of the host it uses. */
const HOST =
  /^(addr|bus|id|drive|chardev|netdev|mac|romfile|acpi-index|bootindex|multifunction|failover_pair_id|vlan|hotpluggable|hotplugged|realized|type|parent_bus|sriov-.*|serial|wwn|ver|model|x-max-bounce-buffer-size)$/

/** Everything of the binary; `devices` are further types to start a machine with, one each. */
export async function collect(binary, devices, say = () => undefined) {
  const about = await withQemu(binary, ['-M', 'none'], general)
  const newest = about.machines.filter((m) => m.name.startsWith('pc-i440fx-'))[0].name
  const dump = dumpOf(binary, newest)
  const types = new Set(Object.keys(dump))
  const seen = new Map()
  const boards = {}
  const machines = []
  const sections = {}
  const byContent = new Map()

  for (const machine of about.machines) {
    const run = await standing(binary, machine.name, [])
    for (const type of run.types) types.add(type)
    const board = boardOf(run, dump, about.parents)
    for (const s of run.described) {
      const schema = fromStream(s)
      if (board.sections.find((b) => b.idstr === s.name)?.type === undefined)
        sections[s.name] = longer(sections[s.name], schema)
      else seen.set(schema.name, longer(seen.get(schema.name), schema))
    }
    const key = JSON.stringify(board)
    if (!byContent.has(key)) {
      byContent.set(key, machine.name)
      boards[machine.name] = board
    }
    machines.push({ ...machine, board: byContent.get(key) })
    say(machine.name)
  }

  const bare = await standing(binary, newest, [])
  const brought = {}
  for (const device of devices.filter((d) => about.parents.has(d))) {
    try {
      const run = await standing(binary, newest, [...supplies(device), '-device', deviceArgument(device)])
      const brings = run.types.filter((t) => !bare.types.includes(t) && t !== device)
      const ram = run.blocks.filter((b) => !bare.blocks.some((c) => c.name === b.name))
      for (const type of run.types) types.add(type)
      for (const s of run.described) {
        const schema = fromStream(s)
        const owner = ownerOf(schema.name, [device, ...brings], dump, about.parents)
        if (owner !== undefined && !bare.described.some((d) => d.name === s.name))
          seen.set(owner, longer(seen.get(owner), schema))
      }
      brought[device] = { brings, ram: ram.map(ramOf) }
    } catch (e) {
      brought[device] = { brings: [], ram: [], why: e.message }
    }
    types.add(device)
    say(`-device ${device}${brought[device].why === undefined ? '' : `: ${brought[device].why}`}`)
  }

  const properties = propertiesOf(await listsOf(binary, newest, [...types], say), about.parents)
  const cpus = await withQemu(binary, ['-M', newest], cpusOf)
  const built = {}
  const all = new Set([...types, ...[...types].flatMap((t) => ancestors(t, about.parents))])
  for (const type of [...all].sort()) {
    const schema = dump[type] === undefined ? undefined : refined(fromDump(dump[type].Description), seen.get(type))
    const { brings = [], ram = [] } = brought[type] ?? {}
    built[type] = {
      parents: ancestors(type, about.parents),
      defaults: properties.get(type) ?? {},
      ...(schema === undefined ? {} : { schema }),
      ...(brings.length > 0 ? { brings } : {}),
      ...(ram.length > 0 ? { ram } : {}),
    }
  }
  return {
    ...{ format: 1, engine: 'qemu', release: about.release, machines, boards, devices: built, sections, cpus },
  }
}

async function general(qemu) {
  const { qemu: v } = await qemu.run('query-version')
  const withCompat = await qemu.run('query-machines', { 'compat-props': true }).catch(() => undefined)
  const listed = withCompat ?? (await qemu.run('query-machines'))
  const machines = listed
    .filter((m) => /^(pc-(i440fx|q35)-\d|isapc$|microvm$)/.test(m.name))
    .filter((m) => !/^pc-.*-(1\.|2\.[0-3]$)/.test(m.name))
    .map((m) => ({
      name: m.name,
      versioned: /-\d/.test(m.name),
      ...(m.alias === undefined ? {} : { alias: m.alias }),
      ...(m.deprecated ? { deprecated: 'yes' } : {}),
      ...(withCompat === undefined
        ? {}
        : {
            compat: (m['compat-props'] ?? []).map((c) => ({
              type: c['qom-type'],
              property: c.property,
              value: c.value,
            })),
          }),
    }))
    .sort((a, b) => order(b.name) - order(a.name) || a.name.localeCompare(b.name))
  const parents = new Map((await qemu.run('qom-list-types', { abstract: true })).map((t) => [t.name, t.parent]))
  return { release: `${v.major}.${v.minor}.${v.micro}`.replace(/\.0$/, ''), machines, parents }
}

const order = (name) => {
  const [, major, minor] = /-(\d+)\.(\d+)/.exec(name) ?? [0, 0, 0]
  return Number(major) * 1000 + Number(minor)
}

/** Every device inherits from these. */
const ROOTS = new Set(['object', 'device', 'cpu', 'sys-bus-device', 'isa-device'])

function ancestors(type, parents) {
  const out = []
  for (let at = parents.get(type); at !== undefined && !ROOTS.has(at); at = parents.get(at)) out.push(at)
  return out
}

function dumpOf(binary, machine) {
  const file = join(tmpdir(), `dump-${process.pid}.json`)
  execFileSync(binary, ['-M', machine, '-display', 'none', '-dump-vmstate', file], { stdio: 'ignore' })
  const dump = JSON.parse(readFileSync(file, 'utf8'))
  delete dump.vmschkmachine
  rmSync(file)
  return dump
}

/** The machine as it stands before its first instruction: objects, RAM blocks, sections. */
const standing = (binary, machine, args) =>
  withQemu(binary, ['-M', machine, ...args], async (qemu) => {
    const types = [...new Set(Object.values(await qemu.objects()))].filter((t) => !DULL.test(t)).sort()
    const stream = await qemu.stream().catch((e) => e)
    if (stream instanceof Error) return { types, blocks: [], described: [], why: stream.message }
    return { types, blocks: blocksOf(stream), described: findDescription(stream).description.devices }
  })

function blocksOf(stream) {
  const reader = new StreamReader({ decode: () => undefined })
  reader.feed(stream)
  for (let item = reader.next(); item; item = reader.next()) if (item.kind === 'ramBlockList') return item.blocks
  throw new Error('a stream without RAM blocks')
}

const ramOf = ({ name, length }) => ({
  name: name.replace(/^\d{4}:.*\//, ''),
  bytes: length === RAM_BYTES ? 0 : length,
  ...(name.startsWith('/rom@') ? { resizable: true } : {}),
})

/** The type, or what one of the types inherits from, whose description has the name. */
function ownerOf(name, types, dump, parents) {
  for (const type of types) {
    const found = [type, ...ancestors(type, parents)].find((t) => dump[t]?.Description.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

function boardOf({ types, blocks, described }, dump, parents) {
  const sections = described.map((s) => {
    const owner = ownerOf(s.vmsd_name ?? s.name, types, dump, parents)
    return {
      ...{ idstr: s.name, instance: s.instance_id, version: s.version ?? 0 },
      ...(owner === undefined ? {} : { type: owner }),
    }
  })
  sections.sort((a, b) => a.idstr.localeCompare(b.idstr) || a.instance - b.instance)
  return { devices: types, sections, ram: blocks.map(ramOf).sort((a, b) => a.name.localeCompare(b.name)) }
}

/** The one that tells more. */
function longer(a, b) {
  if (a === undefined) return b
  const subsections = [...b.subsections]
  for (const s of a.subsections) if (!subsections.some((t) => t.name === s.name)) subsections.push(s)
  const fields = a.fields.length > b.fields.length ? a.fields : b.fields
  return { ...b, fields, subsections }
}

/** Properties as each type lists them. Asking for some types ends an old QEMU: another is started, and they stay out. */
async function listsOf(binary, machine, types, say) {
  const lists = new Map()
  const rest = [...types]
  while (rest.length > 0) {
    await withQemu(binary, ['-M', machine], async (qemu) => {
      while (rest.length > 0 && qemu.ended === undefined) {
        const type = rest.shift()
        const listed = await qemu.run('device-list-properties', { typename: type }).catch(() => undefined)
        if (listed !== undefined) lists.set(type, listed)
        else if (qemu.ended !== undefined) say(`cannot be asked of ${type}`)
      }
    })
  }
  return lists
}

function propertiesOf(lists, parents) {
  const own = new Map()
  for (const [type, listed] of lists) {
    const values = {}
    for (const p of listed) {
      if (HOST.test(p.name) || /^(link|child)</.test(p.type) || /\[\d+\]$/.test(p.name)) continue
      const value = p['default-value']
      if (type.endsWith('-x86_64-cpu') && value === undefined) continue
      values[p.name] = value === undefined ? null : text(value)
    }
    own.set(type, values)
  }
  // What every known descendant of a type has alike is the type's.
  const shared = new Map()
  for (const [type, values] of own) {
    for (const a of ancestors(type, parents)) {
      if (own.has(a)) continue
      const there = shared.get(a)
      if (there === undefined) shared.set(a, { ...values })
      else for (const [k, v] of Object.entries(there)) if (values[k] !== v) delete there[k]
    }
  }
  const out = new Map()
  for (const [type, values] of [...shared, ...own]) {
    const known = Object.assign(
      {},
      ...ancestors(type, parents)
        .reverse()
        .map((a) => shared.get(a) ?? own.get(a) ?? {}),
    )
    out.set(type, Object.fromEntries(Object.entries(values).filter(([k, v]) => known[k] !== v)))
  }
  return out
}

const text = (value) => (value === true ? 'on' : value === false ? 'off' : String(value))

/** Per machine or per run, not per model. */
const INSTANCE =
  /^(apic-id|.*-id|thread-id|memory|hotplugged|realized|start-powered-off|unavailable-features|tsc-frequency)$/

async function cpusOf(qemu) {
  const names = (await qemu.run('query-cpu-definitions'))
    .map((c) => c.name)
    .filter((n) => !/-v\d+$|^(host|max)$/.test(n))
  const cpus = {}
  const expanded = async (name) => {
    const { model } = await qemu.run('query-cpu-model-expansion', { type: 'full', model: { name } })
    return Object.fromEntries(
      Object.entries(model.props)
        .filter(([k, v]) => !INSTANCE.test(k) && typeof v !== 'object')
        .map(([k, v]) => [k, text(v)]),
    )
  }
  const base = await expanded('base')
  cpus.base = Object.fromEntries(Object.entries(base).filter(([, v]) => v !== 'off'))
  for (const name of [...names, 'max'].filter((n) => n !== 'base').sort()) {
    cpus[name] = Object.fromEntries(Object.entries(await expanded(name)).filter(([k, v]) => base[k] !== v))
  }
  return cpus
}

const DRIVES = /^(ide-hd|virtio-blk-pci|nvme|scsi-hd|usb-storage|sd-card)$/
const AUDIO = /^(sb16|AC97|ES1370|hda-duplex|gus|cs4231a)$/
const deviceArgument = (type) =>
  DRIVES.test(type)
    ? `${type},drive=d0${type === 'nvme' ? ',serial=1' : ''}`
    : type === 'isa-serial'
      ? 'isa-serial,chardev=c0'
      : /^(e1000.*|virtio-net-pci|rtl8139|ne2k_pci|pcnet|vmxnet3|ne2k_isa)$/.test(type)
        ? `${type},netdev=n0${type === 'ne2k_isa' ? '' : ',romfile='}`
        : AUDIO.test(type)
          ? `${type},audiodev=a0`
          : type === 'pci-bridge'
            ? 'pci-bridge,chassis_nr=1'
            : type
/** Further arguments that a device of the type needs. */
function supplies(type) {
  if (DRIVES.test(type)) {
    return [
      ...['-blockdev', 'null-co,node-name=d0,size=1048576,read-zeroes=on'],
      ...(type === 'scsi-hd' ? ['-device', 'virtio-scsi-pci'] : []),
      ...(type === 'usb-storage' ? ['-device', 'piix3-usb-uhci'] : []),
      ...(type === 'sd-card' ? ['-device', 'sdhci-pci'] : []),
    ]
  }
  if (type === 'isa-serial') return ['-chardev', 'null,id=c0']
  if (/^usb-/.test(type)) return ['-device', 'piix3-usb-uhci']
  if (AUDIO.test(type)) return ['-audiodev', 'none,id=a0', ...(/^hda-/.test(type) ? ['-device', 'intel-hda'] : [])]
  return deviceArgument(type).includes('netdev=') ? ['-netdev', 'hubport,hubid=0,id=n0'] : []
}
