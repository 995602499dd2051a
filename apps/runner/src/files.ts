import { existsSync, readFileSync } from 'node:fs'
import { spell } from '@godwit/migration-net/node'
import { UsageError } from './usage-error.ts'

/** Why a call of the operating system failed, in a few words. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? spell(thrown) : String(thrown)
}

/** A file the user named. Throws UsageError naming what it was for. */
export function readNamed(what: string, path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (thrown) {
    throw new UsageError(`cannot read ${what} ${path}: ${reasonOf(thrown)}`)
  }
}

/** Where distributions put SeaBIOS. */
const SEABIOS = [
  '/usr/share/seabios/bios-256k.bin',
  '/usr/share/qemu/bios-256k.bin',
  '/usr/share/qemu/bios.bin',
  '/usr/local/share/qemu/bios-256k.bin',
  '/opt/homebrew/share/qemu/bios-256k.bin',
]

export function findSeabios(): string {
  const found = SEABIOS.find((path) => existsSync(path))
  if (found === undefined) {
    throw new UsageError(`no SeaBIOS on this host (looked at ${SEABIOS.join(', ')}); give its file with --bios`)
  }
  return found
}
