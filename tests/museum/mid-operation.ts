/** Brings every device of a PC into the middle of something, by the accesses a guest would make. */
import type { Machine } from '../../packages/machines/src/index.ts'

export function midOperation({ ports, memory }: Machine): void {
  const out = (port: number, ...bytes: number[]): void => bytes.forEach((b) => ports.write(port, 1, b))
  const read = (port: number, times = 1): void => {
    for (let i = 0; i < times; i++) ports.read(port, 1)
  }
  const config = (address: number, value: number, size: 1 | 2 | 4): void => {
    ports.write(0xcf8, 4, (0x8000_0000 | (address & ~3)) >>> 0)
    ports.write(0xcfc + (address & 3), size, value)
  }

  // interrupt controllers: the first initialised, with a poll pending; the second in the middle of it
  out(0x20, 0x11)
  out(0x21, 0x08, 0x04, 0x01, 0xfa)
  out(0x20, 0x0b, 0x0c)
  out(0xa0, 0x11)
  out(0xa1, 0x70)
  out(0x4d0, 0x20)

  // timers: channel 0 runs, 1 has half a count written, 2 sounds with half a latched count read
  out(0x43, 0x34)
  out(0x40, 0x34, 0x12)
  out(0x43, 0x76)
  out(0x41, 0x55)
  out(0x43, 0xb6)
  out(0x42, 0x78, 0x05)
  out(0x61, 0x03)
  out(0x43, 0x80)
  read(0x42)

  // clock: periodic interrupt at 64 Hz, an alarm each hour, an index selected
  out(0x70, 0x0a)
  out(0x71, 0x2a)
  out(0x70, 0x05)
  out(0x71, 0xc0)
  out(0x70, 0x0b)
  out(0x71, 0x62)
  out(0x70, 0x8f)

  // DMA: an address half written, a page, a mask
  out(0x0c, 0)
  out(0x04, 0x34)
  out(0x81, 0x0a)
  out(0x0b, 0x46)
  out(0x0a, 0x02)
  out(0xd4, 0x01)

  // keyboard controller waits for a command byte, the keyboard for its lights, scan codes wait to be read
  out(0x64, 0xae)
  out(0x60, 0xf3)
  out(0x60, 0x20)
  out(0x60, 0xed)
  out(0x64, 0xd4)
  out(0x60, 0xe8)
  out(0x64, 0x60)

  // serial port: FIFOs on, loop-back with bytes received, divisor latch open
  out(0x3fb, 0x83)
  out(0x3f8, 0x0c)
  out(0x3fb, 0x1b)
  out(0x3fa, 0x87)
  out(0x3fc, 0x1b)
  for (const byte of [0x47, 0x6f, 0x64]) out(0x3f8, byte)
  out(0x3f9, 0x0f)
  out(0x3ff, 0x5a)

  // floppy controller in the middle of a command, IDE with a drive selected and registers set
  out(0x3f2, 0x1c)
  out(0x3f5, 0x03, 0xdf)
  out(0x1f6, 0xf0)
  out(0x1f2, 0x07, 0x08)
  out(0x1f3, 0x11)
  out(0x376, 0x02)

  // firmware configuration: the directory half read, half a DMA address
  ports.write(0x510, 2, 0x19)
  read(0x511, 7)
  ports.write(0x514, 4, 0x0100_0000)

  // PCI: shadowed BIOS ranges, interrupt routes, the power management function on
  config(0x59, 0x30, 1)
  config(0x5a, 0x33, 1)
  config(0x860, 0x0b0a_0a0b, 4)
  config(0x904, 0x0005, 2)
  config(0x920, 0xc001, 4)
  config(0xb40, 0x601, 4)
  config(0xb80, 0x01, 1)
  config(0xb90, 0x701, 4)
  config(0xbd2, 0x09, 1)
  ports.write(0xcf8, 4, 0x8000_0b3c)

  // power management: its timer's interrupt on, an SMBus byte on the way, hot-plug selectors moved
  ports.write(0x602, 2, 0x0101)
  out(0xb3, 0x42)
  out(0x704, 0xa1)
  out(0x703, 0x10)
  out(0x705, 0x77)
  out(0xafe2, 0x02)
  ports.write(0xae10, 4, 1)

  // local APIC with a periodic timer, I/O APIC with an entry written by half, HPET with a periodic comparator
  const apic = (register: number, value: number): void => memory.write(0xfee0_0000 + register, 4, value)
  apic(0xf0, 0x1ff)
  apic(0x80, 0x20)
  apic(0x3e0, 0x0b)
  apic(0x320, 0x2_00ef)
  apic(0x380, 0x0012_3456)
  apic(0x310, 0x0100_0000)
  memory.write(0xfec0_0000, 4, 0x14)
  memory.write(0xfec0_0010, 4, 0x0001_a031)
  memory.write(0xfec0_0000, 4, 0x15)
  memory.write(0xfed0_0100, 4, 0x104c)
  memory.write(0xfed0_0108, 4, 0x0003_0d40)
  memory.write(0xfed0_0108, 4, 0x0003_0d40)
  memory.write(0xfed0_0010, 4, 1)

  out(0x92, 0x02)
  for (let at = 0x4000; at < 0x4400; at++) memory.write(at, 1, (at * 7) & 0xff)
}
