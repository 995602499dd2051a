#!/usr/bin/env node
/**
 * Damages recorded streams with knowledge of their structure, loads them, and tells what became of them.
 *
 *   node scripts/mutate-streams.mjs --count 10000 --seed 1 [--machine i440fx-base-bios-11.1] [--run-on 40]
 *
 * Every mutant follows from machine and seed. Ends with status 1 if one was neither refused with a place nor taken whole.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../tests/streams/mutate/long.ts', import.meta.url))
const node = ['--conditions=@godwit/source', '--import', 'tsx', entry, ...process.argv.slice(2)]
process.exitCode = spawnSync(process.execPath, node, { stdio: 'inherit' }).status ?? 1
