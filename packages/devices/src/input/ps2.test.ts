import { deviceContract } from '@godwit/hw/contract'
import { expect, test } from 'vitest'
import { ps2Keyboard } from './ps2-keyboard.ts'
import { ps2Mouse } from './ps2-mouse.ts'
import { soundQueue, ps2Common } from './ps2-queue.ts'
import { vmmouse, vmport } from './vmmouse.ts'

deviceContract(ps2Keyboard, {
  wires: ['irq'],
  storm(rng, model, bench) {
    const kind = rng.below(6)
    if (kind === 0) model.write(rng.pick([0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xff, 0x00]))
    else if (kind === 1) model.write(rng.below(4))
    else if (kind < 4) model.key(rng.pick([0x1e, 0xe048, 0x39]), rng.chance(0.5))
    else bench.saw(model.read())
  },
})

deviceContract(ps2Mouse, {
  wires: ['irq'],
  storm(rng, model, bench) {
    const kind = rng.below(6)
    if (kind < 2)
      model.write(rng.pick([0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xf0, 0xf2, 0xf3, 0xf4, 0xf6, 0xff, 200, 100, 80]))
    else if (kind < 4) model.move(rng.below(600) - 300, rng.below(20) - 10, rng.below(3) - 1, rng.below(8))
    else bench.saw(model.read())
  },
})

deviceContract(vmmouse, {
  storm(rng, model, bench) {
    const r = { eax: 0, ebx: rng.pick([1, 4, 0x45414552, 0x53424152, 0xf5]), ecx: 0, edx: 0, esi: 0, edi: 0 }
    if (rng.chance(0.3)) model.move(rng.below(65536), rng.below(65536), 0, 0x20)
    model.serve(rng.pick([0x27, 0x28, 0x29]), r)
    bench.saw(JSON.stringify(r))
  },
})

deviceContract(vmport)

test('a queue that came with positions outside the ring is brought inside', () => {
  const q = { ...ps2Common(), rptr: -3, wptr: 700, count: 4000 }
  const end = { 'parent_obj.queue.cwptr': 1000 }
  soundQueue(q, end)
  expect(q.rptr).toBe(253)
  expect(q.count).toBeLessThanOrEqual(24)
  expect(q.wptr).toBe((q.rptr + q.count) % 256)
  expect(end['parent_obj.queue.cwptr']).toBeLessThan(256)
})
