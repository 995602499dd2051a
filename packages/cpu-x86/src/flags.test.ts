import { expect, test } from 'vitest'
import { flagImage, flagWords } from './flags.ts'

test('each of the 64 combinations of the arithmetic flags survives the words at rest', () => {
  const bits = [1, 4, 16, 64, 128, 2048]
  for (let n = 0; n < 64; n++) {
    const image = bits.reduce((sum, bit, i) => sum | (((n >> i) & 1) * bit), 0)
    const [res, cvHigh, aux] = flagWords(image)
    expect(flagImage(res, res >> 31, cvHigh, aux)).toBe(image)
  }
})
