/** The blocks of a guest that took most of its instructions, with what they say. */
import type { Machine } from '@godwit/machines'

type Profile = ReturnType<Machine['processor']['profile']>
type Block = Profile[number]

const SHOWN = 40
/** Modes by three sizes of code, as the processor numbers them. */
const BITS = [16, 32, 64]

/** The same block may have been met more than once, under other addresses or after it was overwritten by the same. */
function joined(profile: Profile): (Block & { weight: number })[] {
  const found = new Map<string, Block & { weight: number }>()
  for (const block of profile) {
    const key = `${block.mode} ${block.rip} ${block.insns.map((i) => i.code).join('')}`
    const weight = block.count * block.insns.length
    const seen = found.get(key)
    found.set(key, { ...block, count: block.count + (seen?.count ?? 0), weight: weight + (seen?.weight ?? 0) })
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight)
}

/** @param profile of a processor that was told to count @returns text, the block with most instructions first */
export function profileReport(profile: Profile): string {
  const blocks = joined(profile)
  const total = blocks.reduce((sum, b) => sum + b.weight, 0)
  const shown = blocks.slice(0, SHOWN)
  const covered = shown.reduce((sum, b) => sum + b.weight, 0)
  const head = [
    `${total} instructions in ${blocks.length} blocks; the first ${shown.length} have ${share(covered, total)} of them`,
    '',
  ]
  let sum = 0
  const parts = shown.map((block, i) => {
    sum += block.weight
    const bits = BITS[Math.floor(block.mode / 6)]!
    const title = `${i + 1}. ${share(block.weight, total)}, ${share(sum, total)} so far: ran ${block.count} times, ${bits} bits`
    let at = block.rip
    const lines = block.insns.map(({ code, text }) => {
      const line = `  ${address(at, bits)}  ${code.padEnd(22)} ${text}`
      at += code.length / 2
      return line
    })
    return [title, ...lines, ''].join('\n')
  })
  return [...head, ...parts].join('\n')
}

const share = (part: number, whole: number): string => `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(2)} %`

const address = (at: number, bits: number): string =>
  BigInt.asUintN(bits === 64 ? 64 : 32, BigInt(at))
    .toString(16)
    .padStart(bits === 64 ? 16 : 8, '0')
