import { writeFileSync, readFileSync } from 'node:fs'
import { execFileSync, spawnSync } from 'node:child_process'
import { build, handlersOf } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import * as D from '@godwit/devices'
const d: any = D
const area = process.argv[2]!,
  seed0 = Number(process.argv[3] ?? 1),
  N = Number(process.argv[4] ?? 3000),
  ver = process.argv[5] ?? '10.0'
function make() {
  const time = manualTime(0n)
  const dma = new AddressSpace('dma')
  const ports = new AddressSpace('ports')
  const mem = new AddressSpace('mem')
  const map = (base: number, size: number, regs: any, priority = 0) =>
    ports.add({ kind: 'io', name: 'x' + base, base, size, priority, io: 'read' in regs ? regs : handlersOf(regs) })
  const b = (def: any, o: any = {}) => build(def, { time, dma, ...o } as any) as any
  const com = b(d.uart16550)
  map(0x3f8, 8, com.model.io)
  const kbc = b(d.i8042)
  map(0x60, 1, kbc.model.io)
  ports.add({
    kind: 'io',
    name: 'kbc64',
    base: 0x64,
    size: 1,
    io: {
      read: (o: number, s: any) => handlersOf(kbc.model.io).read(4, 1),
      write: (o: number, s: any, v: number) => handlersOf(kbc.model.io).write(4, 1, v),
    },
  } as any)
  const kbd = b(d.ps2Keyboard, { wires: { irq: kbc.model.inputs.keyboard } })
  const mouse = b(d.ps2Mouse, { wires: { irq: kbc.model.inputs.mouse } })
  kbc.model.connect(kbd.model, mouse.model)
  const p92 = b(d.port92)
  map(0x92, 1, p92.model.io)
  const fd = b(d.fdc)
  ports.add({
    kind: 'io',
    name: 'fdc',
    base: 0x3f1,
    size: 5,
    io: {
      read: (o: number, s: any) => handlersOf(fd.model.io).read(o + 1, s),
      write: (o: number, s: any, v: number) => handlersOf(fd.model.io).write(o + 1, s, v),
    },
  } as any)
  ports.add({
    kind: 'io',
    name: 'fdc7',
    base: 0x3f7,
    size: 1,
    io: {
      read: (o: number, s: any) => handlersOf(fd.model.io).read(7, s),
      write: (o: number, s: any, v: number) => handlersOf(fd.model.io).write(7, s, v),
    },
  } as any)
  const d1 = b(d.i8257, { props: { dshift: 0 } }),
    d2 = b(d.i8257, { props: { dshift: 1 } })
  map(0, 16, d1.model.io)
  map(0xc0, 32, d2.model.io)
  map(0x80, 8, d1.model.pages)
  map(0x88, 8, d2.model.pages)
  map(0x480, 8, d1.model.highPages)
  map(0x488, 8, d2.model.highPages)
  const fw = b(d.fwCfg)
  map(0x510, 12, fw.model.io)
  const bridge = b(d.piix3)
  map(0xcf9, 1, bridge.model.io, 1)
  const bus = b(d.pciBus, { wires: bridge.model.inputs })
  bus.model.connect(ports, mem)
  const host = b(d.pciHost)
  host.model.connect(bus.model)
  map(0xcf8, 8, host.model.io)
  const mch = b(d.i440fx, { props: { 'ram-size': 128 << 20 } })
  const ide = b(d.piix3Ide)
  const pm = b(d.piix4Pm, {
    props: { cpus: 1, 'max-cpus': 1, 'smm-enabled': true, 'cpu-hotplug-legacy': ver === '10.0' },
  })
  bus.model.plug(0, mch.model.pci)
  bus.model.plug(8, bridge.model.pci)
  bus.model.plug(9, ide.model.pci)
  bus.model.plug(11, pm.model.pci)
  map(0x1f0, 8, ide.model.primary)
  map(0x3f6, 1, ide.model.primaryControl)
  map(0x170, 8, ide.model.secondary)
  map(0x376, 1, ide.model.secondaryControl)
  map(0xb2, 2, pm.model.apm)
  map(0xafe0, 4, pm.model.gpe)
  map(0xae00, 24, pm.model.pciHotplug)
  map(0xaf00, 32, pm.model.cpuHotplug)
  const eeproms = b(d.i2cBus)
  for (let i = 0; i < 8; i++) {
    const e = b(d.smbusEeprom)
    e.model.connect(0x50 + i)
    eeproms.model.plug(0x50 + i, e.model)
  }
  pm.model.connect(eeproms.model.find)
  for (const x of [com, kbc, kbd, mouse, p92, fd, d1, d2, fw, host, bus, mch, bridge, ide, pm]) x.model.reset()
  return { ports, time }
}
let seed = seed0
const rnd = (n: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * n)
}
const pick = <T>(a: T[]): T => a[rnd(a.length)]!
type Op = ['in' | 'out', 1 | 2 | 4, number, number] | ['clock', number]
const ops: Op[] = []
const out = (p: number, v: number, s: 1 | 2 | 4 = 1) => ops.push(['out', s, p, v >>> 0])
const inn = (p: number, s: 1 | 2 | 4 = 1) => ops.push(['in', s, p, 0])
const cfg = (bdf: number, at: number) => out(0xcf8, (0x80000000 | (bdf << 8) | (at & 0xfc)) >>> 0, 4)
const gens: Record<string, () => void> = {
  serial() {
    const k = rnd(10)
    if (k < 3) out(0x3f8 + rnd(8), rnd(256))
    else if (k === 3) out(0x3fa, pick([0, 1, 7, 0xc7, 0x81]))
    else if (k === 4) out(0x3fc, pick([0x1b, 0x0b, 0x13]))
    else if (k === 5) out(0x3f9, rnd(16))
    else if (k === 6) out(0x3fb, pick([3, 0x83, 0x1b]))
    else if (k === 7) out(0x3f8, rnd(256))
    else inn(0x3f8 + rnd(8))
  },
  kbc() {
    const k = rnd(10)
    if (k < 3)
      out(
        0x64,
        pick([
          0x20, 0x60, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xad, 0xae, 0xc0, 0xd0, 0xd2, 0xd3, 0xd4, 0xd4, 0xd4, 0xdd, 0xdf,
        ]),
      )
    else if (k < 6)
      out(
        0x60,
        pick([
          0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xff, 0, 1, 2, 3, 0x47, 0x61, 0xe6, 0xe7, 0xe8, 0xe9, 0xea,
          0xeb, 0xf0, 200, 100, 80,
        ]),
      )
    else {
      inn(0x64)
      inn(0x60)
    }
  },
  fdc() {
    const k = rnd(12)
    if (k === 0) out(0x3f2, pick([0x0c, 0x1c, 0, 4, 0x0d]))
    else if (k === 1) out(0x3f4, pick([0, 1, 2]))
    else if (k < 6)
      out(
        0x3f5,
        pick([
          8, 8, 7, 0xf, 0xe, 0x10, 0x46, 3, 4, 0x13, 0x94, 0x14, 0xff, 0, 1, 0x12, 0x33, 0x2e, 0x18, 0x4a, 0x8f, 0xcf,
        ]),
      )
    else inn(pick([0x3f1, 0x3f2, 0x3f3, 0x3f4, 0x3f5, 0x3f5, 0x3f7]))
  },
  dma() {
    const p = pick([rnd(16), 0xc0 + rnd(16) * 2, 0x81 + rnd(3), 0x87, 0x89 + rnd(3), 0x8f, 0x481 + rnd(3), 0x487])
    if (rnd(2)) {
      if (p !== 8 && p !== 0xd0 && p !== 9 && p !== 0xd2) out(p, rnd(256))
    } else inn(p)
  },
  pci() {
    cfg(pick([0, 8, 9, 11, 16]), rnd(256))
    const s = pick([1, 2, 4] as const)
    const o = 0xcfc + rnd(4 / s) * s
    if (rnd(3) === 0) out(o, s === 4 ? rnd(65536) * 65536 + rnd(65536) : rnd(2 ** (8 * s)), s)
    inn(o, s)
  },
  ide() {
    const p = pick([0x1f0, 0x170]) + rnd(8)
    if (rnd(2) === 0) {
      if (p & 7) out(p, (p & 7) === 7 ? pick([0, 0xec, 0x90, 0xa1]) : rnd(256))
    } else inn(p)
    if (rnd(10) === 0) {
      out(0x3f6, pick([0, 2, 8]))
      inn(0x3f6)
    }
  },
  pm() {
    if (ops.length === 0) {
      cfg(11, 0x40)
      out(0xcfc, 0x601, 4)
      cfg(11, 0x80)
      out(0xcfc, 1, 1)
    }
    const k = rnd(10)
    if (k < 2) inn(pick([0x600, 0x602, 0x604]), 2)
    else if (k === 2) inn(0x608, 4)
    else if (k === 3) out(pick([0x600, 0x602]), pick([0, 1, 0x101, 0x521, 0xffff]), 2)
    else if (k === 4) out(0x604, rnd(0x2000), 2)
    else if (k === 5) out(0xb2, pick([0xf0, 0xf1, 3]))
    else if (k === 6) {
      out(0xafe0 + rnd(4), rnd(256))
      inn(0xafe0 + rnd(4))
    } else if (k === 7) {
      out(0xae10, pick([0, 0, 0, 1, 300]), 4)
      inn(0xae00 + 4 * rnd(6), 4)
    } else if (k === 8) {
      inn(0xb2 + rnd(2))
      out(0xb3, rnd(256))
      inn(0xaf00 + rnd(4))
    } else inn(0x600, 2)
  },
  smb() {
    const b = 0xb100
    const k = rnd(8)
    if (k < 4) out(b + pick([3, 4, 5, 6]), rnd(256))
    else if (k === 4) {
      out(b + 4, 0xa0 | rnd(16))
      out(b, 0xff)
      out(b + 2, 0x40 | (pick([0, 1, 2, 3]) << 2))
      inn(b)
    } else inn(b + pick([0, 3, 4, 5, 6, 13]))
  },
  fw() {
    const k = rnd(6)
    if (k === 0) out(0x510, pick([0, 1, 0x3fff, 0xffff]), 2)
    else if (k === 1) inn(0x514 + rnd(8))
    else if (k === 2) inn(0x514, 4)
    else inn(0x511)
  },
  rcr() {
    const k = rnd(4)
    if (k === 0) out(0xcf9, pick([0, 2]))
    else if (k === 1) out(0x92, pick([0, 2]))
    else inn(pick([0xcf9, 0x92]))
  },
}
for (let i = 0; i < N; i++) gens[area]!()
const text =
  ops
    .map((o) =>
      o[0] === 'clock'
        ? `clock_step ${o[1]}`
        : `${o[0]}${o[1] === 1 ? 'b' : o[1] === 2 ? 'w' : 'l'} 0x${o[2].toString(16)}${o[0] === 'out' ? ' 0x' + (o[3] as number).toString(16) : ''}`,
    )
    .join('\n') + '\n'
const r = spawnSync(
  process.env.HOME + '/.cache/qemu-lab/bin/qemu-' + ver,
  [
    '-M',
    'pc-i440fx-' + ver,
    '-m',
    '128',
    '-nodefaults',
    '-serial',
    'null',
    '-S',
    '-qtest',
    'stdio',
    '-display',
    'none',
  ],
  { input: text, encoding: 'utf8', timeout: 60000 },
)
const answers = r.stdout.split('\n').filter((l) => l.startsWith('OK') || l.startsWith('FAIL'))
console.log(area, 'ops', ops.length, 'answers', answers.length, r.stderr.slice(0, 300))
const m = make()
let bad = 0
for (let i = 0; i < ops.length && bad < 6; i++) {
  const o = ops[i]!
  if (o[0] === 'clock') {
    m.time.advance(BigInt(o[1]))
    continue
  }
  if (o[0] === 'out') {
    m.ports.write(o[2], o[1], o[3])
    continue
  }
  const mine = m.ports.read(o[2], o[1])
  const a = answers[i]
  if (a === undefined) {
    console.log('no answer at', i)
    break
  }
  const theirs = Number(a.split(' ')[1])
  if (mine !== theirs) {
    bad++
    console.log(
      `#${i} in${o[1]} ${o[2].toString(16)}: qemu ${theirs.toString(16)} mine ${mine.toString(16)}  before: ${text
        .split('\n')
        .slice(Math.max(0, i - 8), i)
        .join('; ')}`,
    )
  }
}
console.log(bad === 0 ? 'SAME' : 'DIFFERENT')
