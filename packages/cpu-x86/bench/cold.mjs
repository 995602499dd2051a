/**
 * Makes src/tier0/cold.ts from profiles: node bench/cold.mjs PROFILE.json ...
 * A profile is what Processor.profile() gives, as JSON, of a processor made with `profile: true`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { HOT } from '../dist/tier0/hot.js'

/** Handlers that serve one register or value only are not worth making before they are asked for. */
const baked = (name) => /@(.*,)?(\d\.\w+|length|target)=/.test(name)
/** Fewer handlers of a mode than this are made one by one just as well. */
const FEW = 32
const WIDTH = 118

const inSwitch = new Set(HOT.map(([mode, bytes]) => `${mode} ${bytes}`))
/** By mode: bytes by the name of a handler. */
const modes = new Map()
for (const file of process.argv.slice(2))
  for (const { mode, insns } of JSON.parse(readFileSync(file, 'utf8')))
    for (const { name, code } of insns) {
      if (baked(name) || name.startsWith('ud.') || inSwitch.has(`${mode} ${code}`)) continue
      if (!modes.has(mode)) modes.set(mode, new Map())
      if (!modes.get(mode).has(name)) modes.get(mode).set(name, code)
    }

function lines(codes) {
  const out = []
  let line = ''
  for (const code of codes) {
    if (line.length + code.length + 1 > WIDTH) {
      out.push(line)
      line = ''
    }
    line += line === '' ? code : ` ${code}`
  }
  return [...out, line].map((l) => `    ${l}`).join('\n')
}

const rows = [...modes].filter(([, forms]) => forms.size >= FEW).sort(([a], [b]) => a - b)
writeFileSync(
  new URL('../src/tier0/cold.ts', import.meta.url),
  `/**
 * Instructions whose handlers are made together once a few of their mode have been asked for, by key of the mode: those
 * that operating systems and programs use. One module for all is cheaper than one for each block. Made by bench/cold.mjs.
 */
export const COLD: Readonly<Record<number, string>> = {
${rows.map(([mode, forms]) => `  ${mode}: \`\n${lines(forms.values())}\n  \`,`).join('\n')}
}
`,
)
for (const [mode, forms] of rows) console.log(`mode ${mode}: ${forms.size}`)
