/** Keeps the fields that x87, MMX and SSE instructions look at first: most changes of mode leave alone what they follow from. */
import { updateFpuBlocks } from '../fpu/blocks.ts'
import { S } from '../state.ts'

const SOURCES = [S.cr0, S.cr4, S.mxcsr, S.fpuStatus] as const

export class FpuGates {
  private readonly view: DataView
  private readonly base: number
  private readonly w: Int32Array
  /** What they were made from. */
  private readonly known = new Float64Array(SOURCES.length).fill(NaN)

  constructor(buffer: ArrayBufferLike, base: number) {
    this.view = new DataView(buffer)
    this.base = base
    this.w = new Int32Array(buffer, base, S.end >> 2)
  }

  update(): void {
    const { w, known } = this
    let same = true
    for (let i = 0; i < SOURCES.length; i++) {
      const value = w[SOURCES[i]! >> 2]!
      if (known[i] === value) continue
      known[i] = value
      same = false
    }
    if (!same) updateFpuBlocks(this.view, this.base)
  }

  /** The state came from outside. */
  forget(): void {
    this.known.fill(NaN)
  }
}
