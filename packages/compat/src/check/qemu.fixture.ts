/** The committed builds of QEMU, for tests. */
import { readFileSync } from 'node:fs'
import type { Build } from '../build.ts'
import { parseBuild } from '../qemu-build.ts'

export const RELEASES = ['5.2', '7.2', '10.0', '11.1'] as const

const read = new Map<string, Build>()

export function qemu(release: string): Build {
  const there = read.get(release)
  if (there !== undefined) return there
  const build = parseBuild(readFileSync(new URL(`../../data/qemu/${release}.json`, import.meta.url), 'utf8'))
  read.set(release, build)
  return build
}
