/**
 * Makes src/tier0/hot.ts from profiles: node bench/hot.mjs PROFILE.json ...
 * A profile is what Processor.profile() gives, as JSON, of a processor made with `profile: true`. Each weighs the same.
 *
 * Single instructions compete with sequences. Those are found by joining the two neighbours that most often run after
 * one another, again and again.
 */
import { readFileSync, writeFileSync } from 'node:fs'

/** More make V8 compile the switch for longer than they gain. */
const HOT = Number(process.env.HOT ?? 250)
const LONGEST = Number(process.env.LONGEST ?? 4)
const JOINS = Number(process.env.JOINS ?? 400)
/** What a handler outside the switch costs, in dispatches. */
const COLD = 3
/** Blocks that run less often say nothing. */
const RARE = 1e-6

/** By names of a block's instructions: a token a position, and the weight. */
const blocks = new Map()
const examples = new Map()
for (const file of process.argv.slice(2)) {
  const profile = JSON.parse(readFileSync(file, 'utf8'))
  const total = profile.reduce((sum, b) => sum + b.count * b.insns.length, 0)
  for (const { mode, count, insns } of profile) {
    if (count / total < RARE) continue
    const key = `${mode} ${insns.map((i) => i.name).join(' ')}`
    const block = blocks.get(key)
    if (block !== undefined) {
      block.weight += count / total
      continue
    }
    const tokens = insns.map((i) => {
      const token = { key: `${mode} ${i.name}`, mode, ...i, length: 1 }
      if (!examples.has(token.key)) examples.set(token.key, token)
      return examples.get(token.key)
    })
    blocks.set(key, { weight: count / total, tokens, singles: tokens })
  }
}

const joinable = (a, b) => a.leads && b.lasts && a.length + b.length <= LONGEST
const join = (a, b) => ({
  key: `${a.key}+${b.key}`,
  mode: a.mode,
  name: `${a.name}+${b.name}`,
  code: a.code + b.code,
  // A branch or store can only be last.
  leads: b.leads,
  lasts: true,
  length: a.length + b.length,
})

for (let n = 0; n < JOINS; n++) {
  const pairs = new Map()
  for (const { weight, tokens } of blocks.values())
    for (let i = 1; i < tokens.length; i++) {
      if (!joinable(tokens[i - 1], tokens[i])) continue
      const key = `${tokens[i - 1].key}|${tokens[i].key}`
      const pair = pairs.get(key)
      if (pair === undefined) pairs.set(key, { a: tokens[i - 1], b: tokens[i], weight })
      else pair.weight += weight
    }
  const best = [...pairs.values()].sort((x, y) => y.weight - x.weight)[0]
  if (best === undefined) break
  const made = examples.get(`${best.a.key}+${best.b.key}`) ?? join(best.a, best.b)
  examples.set(made.key, made)
  for (const block of blocks.values()) {
    const { tokens } = block
    if (!tokens.includes(best.a)) continue
    const out = []
    for (let i = 0; i < tokens.length; i++) {
      if (tokens[i] === best.a && tokens[i + 1] === best.b) {
        out.push(made)
        i++
      } else out.push(tokens[i])
    }
    block.tokens = out
  }
}

/** How often each would run if blocks took the longest sequence that fits at each instruction. */
function usage(chosen) {
  const used = new Map()
  const count = (token, weight) => used.set(token, (used.get(token) ?? 0) + weight)
  for (const { weight, singles } of blocks.values())
    for (let i = 0; i < singles.length;) {
      let best = singles[i]
      let key = singles[i].key
      for (let k = i + 1; k < Math.min(singles.length, i + LONGEST); k++) {
        key += `+${singles[k].key}`
        if (chosen.has(key)) best = chosen.get(key)
      }
      count(best, weight)
      i += best.length
    }
  return used
}

const worth = (token, weight) => weight * (token.length === 1 ? COLD : token.length - 1)
let chosen = new Map([...examples].filter(([, t]) => t.length > 1))
let rows = []
// What is left out runs as its parts: those are counted anew.
for (let round = 0; round < 6; round++) {
  rows = [...usage(chosen)].sort(([a, x], [b, y]) => worth(b, y) - worth(a, x)).slice(0, HOT + (5 - round) * 30)
  chosen = new Map(rows.filter(([t]) => t.length > 1).map(([t]) => [t.key, t]))
}
const dispatches = [...usage(chosen).values()].reduce((sum, n) => sum + n, 0)
console.log(`${chosen.size} sequences; ${dispatches / process.argv.slice(2).length} dispatches an instruction`)
writeFileSync(
  new URL('../src/tier0/hot.ts', import.meta.url),
  `/* eslint max-lines: off -- a generated table */
/**
 * The handlers inside the big switch, each by an instruction (or fused sequence) that needs it: key of the mode, bytes.
 * Made from counts of executions by bench/hot.mjs.
 */
export const HOT: readonly (readonly [mode: number, bytes: string])[] = [
${rows.map(([t]) => `  [${t.mode}, '${t.code}'], // ${t.name}`).join('\n')}
]
`,
)
