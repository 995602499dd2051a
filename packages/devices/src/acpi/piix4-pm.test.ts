import { build, handlersOf, wire } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { i2cBus, smbusEeprom } from './pm-smbus.ts'
import { piix4Pm } from './piix4-pm.ts'

for (const legacy of [false, true]) {
  deviceContract(piix4Pm, {
    props: {
      'cpu-hotplug-legacy': legacy,
      'acpi-pci-hotplug-with-bridge-support': !legacy,
      'smm-enabled': legacy,
      cpus: 2,
      'max-cpus': 4,
    },
    wires: ['sci', 'poweroff'],
    io: (model) => [model.pm, model.apm, model.gpe, model.pciHotplug],
    // The status bit of the timer shows when somebody looks; the registers of slots beside the machine's own do not travel.
    storm(rng, model, bench) {
      const io = [model.pm, model.apm, model.gpe, model.pciHotplug]
      const kind = rng.below(10)
      if (kind === 0) model.pci.writeConfig(rng.pick([0x40, 0x80, 0x90, 0xd2, 0x58]), rng.below(256), 1)
      else if (kind === 1) model.powerButton()
      else if (kind === 2) model.plugged(0, rng.below(32), rng.chance(0.5))
      else if (kind === 3) model.cpuHotplug.write(rng.pick([0, 4, 5, 8]), 1, rng.below(6))
      else if (kind === 4) bench.saw(model.cpuHotplug.read(rng.pick([0, 4, 5, 8]), 1))
      else if (kind === 5) model.pm.PMEN!.write!(rng.pick([0, 1, 0x101, 0x521]), 0, 2)
      else {
        const r = rng.pick(Object.values(rng.pick(io)))
        const size = rng.pick(r.width === 2 ? ([1, 2] as const) : r.width === 1 ? ([1] as const) : ([4] as const))
        if (rng.chance(0.5)) bench.saw(r.read?.(0, size) ?? 0)
        else r.write?.(rng.value(size), 0, size)
      }
    },
  })
}

deviceContract(i2cBus)
deviceContract(smbusEeprom, {
  storm(rng, model, bench) {
    if (rng.chance(0.4)) bench.saw(model.receive())
    else model.send(Uint8Array.of(rng.below(256), rng.below(256)))
  },
})

function pm(props: Parameters<typeof build<never, (typeof piix4Pm)['props'], never, never>>[1]['props'] = {}) {
  const time = manualTime()
  const seen: string[] = []
  const line = (name: string) => wire((level) => seen.push(`${name} ${level ? 'up' : 'down'}`))
  const make = () =>
    build(piix4Pm, {
      time,
      dma: new AddressSpace('dma'),
      props,
      wires: { sci: line('sci'), smi: line('smi'), poweroff: line('poweroff'), suspend: line('suspend') },
    })
  const dev = make()
  dev.model.reset()
  const ports = new AddressSpace('ports')
  dev.model.pci.plug({ ports, memory: new AddressSpace('memory'), changeInterrupt: () => undefined })
  dev.model.pci.writeConfig(0x40, 0x601, 4)
  dev.model.pci.writeConfig(0x80, 1, 1)
  return { time, seen, dev, ports, make, apm: handlersOf(dev.model.apm), gpe: handlersOf(dev.model.gpe) }
}

test('the PM timer counts 3579545 times a second, modulo 2 to the 24th', () => {
  const { time, ports } = pm()
  time.advance(1_000_000_000n)
  expect(ports.read(0x608, 4)).toBe(3_579_545)
  time.advance(4_000_000_000n)
  expect(ports.read(0x608, 4)).toBe((5 * 3_579_545) % (1 << 24))
})

test('the timer event interrupts whenever bit 23 changes', () => {
  const { time, ports, seen } = pm()
  ports.write(0x600, 2, 1)
  ports.write(0x602, 2, 1)
  time.advance(2_343_000_000n)
  expect(seen).toEqual([])
  time.advance(1_000_000n)
  expect(seen).toEqual(['sci up'])
  expect(ports.read(0x600, 2) & 1).toBe(1)
  ports.write(0x600, 2, 1)
  expect(seen).toEqual(['sci up', 'sci down'])
  time.advance(2_344_000_000n)
  expect(seen).toEqual(['sci up', 'sci down', 'sci up'])
})

test('a timer on its way goes on after loading', () => {
  const { time, ports, dev, make, seen } = pm()
  ports.write(0x600, 2, 1)
  ports.write(0x602, 2, 1)
  const copy = make()
  loadBytes(piix4Pm.vmstate as never, copy.state as never, saveBytes(piix4Pm.vmstate as never, dev.state as never))
  copy.model.afterLoad()
  dev.model.reset()
  time.advance(2_400_000_000n)
  expect(seen).toEqual(['sci up'])
})

test('sleep type 0 with the enable bit powers off, type 1 suspends', () => {
  const { ports, seen } = pm()
  ports.write(0x604, 2, 0x2000)
  ports.write(0x604, 2, 0x2400)
  expect(seen).toEqual(['poweroff up', 'poweroff down', 'suspend up', 'suspend down'])
})

test('without system management mode ACPI is on from the start, and firmware finds SMI set up', () => {
  const { ports, dev } = pm()
  expect(ports.read(0x604, 2)).toBe(1)
  expect(dev.model.pci.readConfig(0x5b, 1)).toBe(2)
})

test('with it, 0xf1 and 0xf0 at the APM port switch ACPI, other commands raise SMI once enabled', () => {
  const { ports, dev, apm, seen } = pm({ 'smm-enabled': true })
  expect(ports.read(0x604, 2)).toBe(0)
  apm.write(0, 1, 0xf1)
  expect(ports.read(0x604, 2)).toBe(1)
  apm.write(0, 1, 0xf0)
  expect(ports.read(0x604, 2)).toBe(0)
  apm.write(0, 1, 0x55)
  expect(seen).toEqual([])
  dev.model.pci.writeConfig(0x5b, 2, 1)
  apm.write(0, 1, 0x55)
  expect(seen).toEqual(['smi up', 'smi down'])
  expect(apm.read(0, 1)).toBe(0x55)
})

test('the power button interrupts when it is enabled', () => {
  const { ports, dev, seen } = pm()
  dev.model.powerButton()
  expect(seen).toEqual([])
  ports.write(0x602, 2, 0x100)
  expect(seen).toEqual([]) // not pressed while it was off
  dev.model.powerButton()
  expect(seen).toEqual(['sci up'])
  expect(ports.read(0x600, 2) & 0x100).toBe(0x100)
})

test('a plugged slot shows in its bus and raises GPE 1', () => {
  const { dev, gpe, seen } = pm()
  gpe.write(2, 1, 0x02)
  dev.model.plugged(0, 5, true)
  expect(seen).toEqual(['sci up'])
  const io = handlersOf(dev.model.pciHotplug)
  expect(io.read(0, 4)).toBe(1 << 5)
  expect(io.read(0, 4)).toBe(0)
  expect(io.read(12, 4)).toBe(0xffff_fffc)
  gpe.write(0, 1, 0x02)
  expect(seen).toEqual(['sci up', 'sci down'])
})

test('CPU hotplug is a bitmap until a 0 is written at its begin, and a loaded modern state makes it modern', () => {
  const { dev, make } = pm({ 'cpu-hotplug-legacy': true, cpus: 3, 'max-cpus': 4 })
  const io = dev.model.cpuHotplug
  const old = saveBytes(piix4Pm.vmstate as never, dev.state as never).length
  expect(io.read(0, 1)).toBe(0x07)
  io.write(0, 1, 0)
  expect(io.read(4, 1)).toBe(1)
  io.write(0, 4, 3)
  expect(io.read(4, 1)).toBe(0)
  const bytes = saveBytes(piix4Pm.vmstate as never, dev.state as never)
  expect(bytes.length).toBe(old + 20 + 5 + 4 * 10)
  const copy = make()
  loadBytes(piix4Pm.vmstate as never, copy.state as never, bytes)
  expect(copy.state.features.modernCpu).toBe(true)
})

test('an EEPROM on the SMBus answers a byte read, nobody answers with a device error', () => {
  const { dev, ports } = pm()
  const bus = build(i2cBus, { time: manualTime(), dma: new AddressSpace('dma') })
  const eeprom = build(smbusEeprom, { time: manualTime(), dma: new AddressSpace('dma') })
  eeprom.model.connect(
    0x50,
    Uint8Array.from({ length: 256 }, (_, i) => i ^ 0xff),
  )
  bus.model.plug(0x50, eeprom.model)
  dev.model.connect(bus.model.find)
  const smb = 0xb100
  ports.write(smb + 4, 1, 0xa1)
  ports.write(smb + 3, 1, 0x10)
  ports.write(smb + 2, 1, 0x48)
  expect([ports.read(smb, 1), ports.read(smb, 1)]).toEqual([0x01, 0x02])
  expect(ports.read(smb + 5, 1)).toBe(0xef)
  ports.write(smb, 1, 0xff)
  ports.write(smb + 4, 1, 0xa3)
  ports.write(smb + 2, 1, 0x48)
  expect([ports.read(smb, 1), ports.read(smb, 1)]).toEqual([0x01, 0x04])
})
