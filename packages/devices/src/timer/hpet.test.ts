import { deviceContract } from '@godwit/hw/contract'
import { hpet } from './hpet.ts'

deviceContract(hpet, {
  props: { 'hpet-intcap': 0xff0104 },
  wires: ['irq0', 'irq8', 'irq2', 'pitDisable'],
  storm(rng, model, bench) {
    const { read, write } = model.io.block
    const t = 0x100 + 0x20 * rng.below(3)
    const kind = rng.below(10)
    if (kind < 3) bench.saw(read!(rng.pick([0, 4, 0x10, 0x20, 0xf0, 0xf4, t, t + 4, t + 8, t + 12]), 4))
    else if (kind === 3) write!(rng.chance(0.8) ? rng.pick([1, 3]) : rng.below(4), 0x10, 4)
    else if (kind === 4) write!(rng.below(8), 0x20, 4)
    else if (kind === 5) write!(rng.value(4), rng.pick([0xf0, 0xf4]), 4)
    else if (kind < 8) write!(rng.pick([0x004, 0x00c, 0x04c, 0x10c, 0x104, 0x106, 0x006, 0x404, 0, rng.value(4)]), t, 4)
    else write!(rng.chance(0.8) ? 50 + rng.below(100_000) : rng.value(4), t + rng.pick([8, 8, 12]), 4)
  },
})
