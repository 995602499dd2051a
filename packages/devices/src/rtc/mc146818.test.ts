import { deviceContract } from '@godwit/hw/contract'
import { mc146818 } from './mc146818.ts'

for (const lost_tick_policy of ['discard', 'slew'] as const) {
  deviceContract(mc146818, {
    props: { lost_tick_policy },
    wires: ['irq'],
    storm(rng, model, bench) {
      const { index, data } = model.io
      if (rng.chance(0.2)) {
        bench.time.advance(1n + BigInt(rng.below(400_000_000)))
        return
      }
      const at = rng.chance(0.5) ? rng.pick([0x0a, 0x0b, 0x0c]) : rng.chance(0.9) ? rng.below(0x33) : rng.below(256)
      index.write!(at, 0, 1)
      if (rng.chance(0.5)) bench.saw(data.read!(0, 1))
      else if (at === 0x0a) data.write!(rng.pick([0x26, 0x2a, 0x20, 0x66, 0x76, rng.value(1)]), 0, 1)
      else if (at === 0x0b) data.write!(rng.pick([0x02, 0x42, 0x72, 0x12, 0x82, rng.value(1)]), 0, 1)
      else data.write!(rng.chance(0.5) ? rng.below(0x60) : rng.value(1), 0, 1)
    },
  })
}
