/** A state that is saved and loaded goes on as if nothing had happened: compared by digest, at many moments. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { guestsThere, type Kernel } from '../support/guests.ts'

const run = promisify(execFile)
const PROGRAM = new URL('run-on.mjs', import.meta.url).pathname
const POINTS = 50

interface Result {
  readonly instructions: number
  readonly digest: string
  readonly points: number
}

async function runOn(kernel: Kernel, instructions: number, points: number): Promise<Result> {
  const args = [PROGRAM, kernel, String(instructions), String(points)]
  const { stdout } = await run(process.execPath, args).catch((e: { stdout: string; stderr: string }) => {
    throw new Error(`${e.stdout}${e.stderr}`)
  })
  return JSON.parse(stdout) as Result
}

test.skipIf(!guestsThere).each<[Kernel, number]>([
  ['cloud-amd64', 1_300_000_000],
  ['686', 600_000_000],
])(
  'a %s guest saved and loaded into fresh machines at 50 random points ends in the same digest',
  async (kernel, instructions) => {
    expect(await runOn(kernel, instructions, POINTS)).toMatchObject({ instructions, points: POINTS })
  },
  900_000,
)

test.skipIf(!guestsThere)('equal inputs end in equal states in two processes', async () => {
  const [a, b] = [await runOn('cloud-amd64', 50_000_000, 0), await runOn('cloud-amd64', 50_000_000, 0)]
  expect(a.digest).toBe(b.digest)
})
