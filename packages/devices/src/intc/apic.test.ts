import { deviceContract } from '@godwit/hw/contract'
import { apic } from './apic.ts'

deviceContract(apic, {
  wires: ['intr', 'nmi', 'smi', 'init'],
  storm(rng, model, bench) {
    const { read, write } = model.io.page
    if (rng.chance(0.2)) bench.saw(model.cpu.acknowledge())
    else if (rng.chance(0.1)) model.self.receive(rng.below(8), rng.value(1), rng.below(2))
    else if (rng.chance(0.1)) model.cpu.writeTpr(rng.below(16))
    else {
      const index = rng.pick([
        2, 8, 0xb, 0xd, 0xe, 0xf, 0x28, 0x30, 0x30, 0x31, 0x32, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3e,
      ])
      if (rng.chance(0.3)) bench.saw(read!(index << 4, 4))
      else if (index === 0x38) write!(1000 + rng.below(1_000_000), 0x380, 4)
      else if (index === 0xf) write!(0x1ff, 0xf0, 4)
      else if (index === 0x32) write!(rng.pick([0x31, 0x20041, 0x20051, 0x10000]), 0x320, 4)
      else if (index >= 0x35 && index <= 0x37) write!(rng.pick([0x700, 0x61, 0x8062, 0x400, 0x10700]), index << 4, 4)
      else write!(rng.value(4), index << 4, 4)
    }
  },
})
