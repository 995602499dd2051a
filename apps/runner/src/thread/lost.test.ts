import { expect, test } from 'vitest'
import { SCRIBBLE, firmware, onItsOwn, until } from './testing.ts'
import { MachineLost, ThreadLink } from './thread-link.ts'
import type { RemoteMachine } from './remote-machine.ts'

/** The link of a machine, as the machine itself sees it. */
const linkOf = (machine: unknown): ThreadLink => (machine as { link: ThreadLink }).link

async function running(): Promise<{ machine: RemoteMachine; link: ThreadLink; lost: string[] }> {
  const machine = (await onItsOwn(SCRIBBLE)) as RemoteMachine
  const lost: string[] = []
  machine.events.onLost = (reason) => lost.push(reason)
  machine.start()
  return { machine, link: linkOf(machine), lost }
}

test('A machine whose thread is killed says so once, does not run, and keeps nobody waiting.', async () => {
  const { machine, link, lost } = await running()
  await link.worker.terminate()
  await until(() => lost.length > 0)
  expect(lost).toEqual(["the machine's thread ended with status 1"])
  expect([machine.running, machine.runState, machine.lost]).toEqual([false, 'internal-error', lost[0]])
  machine.pause()
  machine.resume()
  expect(machine.running).toBe(false)
  expect(() => machine.digest()).toThrow(MachineLost)
  machine.ramBlocks[0]!.dirty.stop()
  await machine.close()
  expect(lost).toHaveLength(1)
})

test('A machine that breaks tells why, and whoever was asking gets an answer.', async () => {
  const { machine, link, lost } = await running()
  link.send({ kind: 'typed', bytes: undefined as unknown as Uint8Array })
  expect(() => link.ask('digest', [])).toThrow(/^the machine's thread ended: TypeError: .*\n {4}at /)
  expect(lost).toHaveLength(1)
  expect(machine.running).toBe(false)
  await machine.close()
})

test('A machine that breaks while nobody asks tells why.', async () => {
  const { machine, link, lost } = await running()
  link.send({ kind: 'typed', bytes: undefined as unknown as Uint8Array })
  await until(() => lost.length > 0)
  expect(lost[0]).toMatch(/^the machine's thread ended: TypeError/)
  expect(machine.running).toBe(false)
  await machine.close()
})

test('A machine that does not answer is given up.', async () => {
  const options = { type: 'pc', memoryBytes: 16 << 20, bios: firmware(SCRIBBLE), time: {} }
  const link = new ThreadLink(options, { patienceMs: 200 })
  await new Promise<void>((resolve) => (link.heard = { happens: () => resolve(), lost: () => undefined }))
  const lost: string[] = []
  link.heard = { happens: () => undefined, lost: (error) => lost.push(error.message) }
  expect(() => link.ask('runFor', [1e15])).toThrow('has not answered "runFor" for 0.2 s')
  expect(lost).toHaveLength(1)
  await link.close()
})
