import { deviceContract } from '@godwit/hw/contract'
import { i8254 } from './i8254.ts'

deviceContract(i8254, {
  wires: ['out0'],
  storm(rng, model, bench) {
    const { counters, control } = model.io
    const kind = rng.below(10)
    if (kind < 4) bench.saw(counters.read!(rng.below(3), 1))
    else if (kind === 4) {
      model.setGate2(rng.chance(0.5))
      bench.saw(Number(model.out2()))
    } else if (kind === 5) control.write!(0xc0 | rng.below(64), 0, 1)
    else if (kind === 6) control.write!(rng.below(3) << 6, 0, 1)
    else {
      // a control word and the count that belongs to it
      const index = rng.below(3)
      const access = rng.below(3) + 1
      control.write!((index << 6) | (access << 4) | (rng.below(8) << 1), 0, 1)
      if (access !== 2) counters.write!(access === 1 ? 20 + rng.below(200) : rng.value(1), index, 1)
      if (access !== 1) counters.write!(1 + rng.below(200), index, 1)
    }
  },
})
