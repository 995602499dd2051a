/**
 * Makes src/tier0/hot.ts from profiles: node bench/hot.mjs PROFILE.json ...
 * A profile is what Processor.profile() gives, as JSON, of a processor made with `profile: true`. Each weighs the same.
 */
import { readFileSync, writeFileSync } from 'node:fs'

/** More make V8 compile the switch for longer than they gain. */
const HOT = 250

const weight = new Map()
const example = new Map()
for (const file of process.argv.slice(2)) {
  const handlers = JSON.parse(readFileSync(file, 'utf8')).filter((h) => h.code !== undefined)
  const total = handlers.reduce((sum, h) => sum + h.count, 0)
  for (const h of handlers) {
    weight.set(h.name, (weight.get(h.name) ?? 0) + h.count / total)
    if (!example.has(h.name)) example.set(h.name, h)
  }
}
// A part of a pair counts where the pair is not taken: singles and pairs compete by what they ran.
const rows = [...weight]
  .sort(([, a], [, b]) => b - a)
  .slice(0, HOT)
  .map(([name]) => `  [${example.get(name).mode}, '${example.get(name).code}'], // ${name}`)
writeFileSync(
  new URL('../src/tier0/hot.ts', import.meta.url),
  `/* eslint max-lines: off -- a generated table */
/**
 * The handlers inside the big switch, each by one instruction (or fused pair) that needs it: key of the mode, bytes.
 * Made from counts of executions by bench/hot.mjs.
 */
export const HOT: readonly (readonly [mode: number, bytes: string])[] = [
${rows.join('\n')}
]
`,
)
