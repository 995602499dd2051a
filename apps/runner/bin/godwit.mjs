#!/usr/bin/env node
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { wantsThread } from '../dist/wants-thread.js'
import { wholeProgram } from '../dist/whole/whole-program.js'

const args = process.argv.slice(2)
const whole = wantsThread(args) ? wholeProgram(new URL('../dist/', import.meta.url), 'begin.cjs') : undefined
if (whole !== undefined) await createRequire(import.meta.url)(fileURLToPath(whole)).begin(args)
else {
  const { beginEarly } = await import('../dist/early.js')
  beginEarly(args)
  const { main } = await import('../dist/main.js')
  await main(args)
}
