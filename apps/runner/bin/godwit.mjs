#!/usr/bin/env node
import { beginEarly } from '../dist/early.js'

const args = process.argv.slice(2)
beginEarly(args)
const { main } = await import('../dist/main.js')
await main(args)
