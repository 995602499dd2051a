import { deviceContract } from '@godwit/hw/contract'
import { ioapic } from './ioapic.ts'

deviceContract(ioapic, {
  storm(rng, model, bench) {
    const { read, write } = model.io.page
    if (rng.chance(0.1)) {
      model.eoi(rng.below(4) + 0x30)
      return
    }
    write!(rng.chance(0.1) ? rng.value(1) : 0x10 + rng.below(48), 0, 4)
    if (rng.chance(0.3)) bench.saw(read!(0x10, 4))
    else write!(rng.pick([0x30, 0x8031, 0x8032, 0x10030, rng.value(4)]), 0x10, 4)
  },
  connect(model, bench) {
    model.links.bus = {
      deliver: (dest, destMode, mode, vector, trigger) => bench.saw([dest, destMode, mode, vector, trigger].join(' ')),
    }
  },
})
