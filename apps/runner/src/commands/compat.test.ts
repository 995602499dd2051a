import { expect, test, vi } from 'vitest'
import { UsageError } from '../usage-error.ts'
import { compat } from './compat.ts'

async function printed(...args: string[]): Promise<{ text: string; status: number }> {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    return { status: await compat.run(args), text }
  } finally {
    write.mockRestore()
  }
}

const BLK = ['check', 'qemu:10.0', 'qemu:11.1', '--machine', 'pc-i440fx-5.2', '--device', 'virtio-blk-pci']

test('check names the device, the condition and the cure, and with the cure all is fine', async () => {
  const { text, status } = await printed(...BLK, '--started', 'a')
  expect(status).toBe(0)
  expect(text).toContain('QEMU 10.0.13 → QEMU 11.1.3, pc-i440fx-5.2: fine-if')
  expect(text).toContain('remedy: start the destination with virtio-blk-device.queue-size=1024')
  const cured = await printed(...BLK, '--b-global', 'virtio-blk-device.queue-size=1024')
  expect(cured.text).toContain('QEMU 10.0.13 → QEMU 11.1.3, pc-i440fx-5.2: fine\n')
  const byDevice = await printed(...BLK.slice(0, -1), 'virtio-blk-pci,queue-size=1024')
  expect(byDevice.text).toContain('QEMU 10.0.13 → QEMU 11.1.3, pc-i440fx-5.2: fine\n')
})

test('check exits with 1 where a direction is refused, and tells the same as JSON', async () => {
  const { text, status } = await printed('check', 'qemu:7.2', 'qemu:5.2', '--machine', 'isapc', '--json')
  expect(status).toBe(1)
  const answer = JSON.parse(text) as { there: { kind: string; verdicts: { path: string }[] }; back: { kind: string } }
  expect([answer.there.kind, answer.there.verdicts[0]!.path]).toEqual(['refused', 'pckbd/extended_state'])
  expect(answer.back.kind).toBe('loads-but-differs')
})

test('check takes the properties that remedies name: of conditions, queues and processors', async () => {
  const named = [
    'x86_64-cpu.x-migrate-error-code=off',
    'qemu64-x86_64-cpu.pcid=off',
    'virtio-blk-device.queue-size=1024',
  ]
  const { status } = await printed(...BLK, ...named.flatMap((n) => ['--b-global', n]))
  expect(status).toBe(0)
})

test('matrix takes builds and machine types, as text, JSON and a page', async () => {
  const asked = ['matrix', '--builds', 'qemu:7.2,qemu:10.0', '--machines', 'microvm,pc-q35-6.2']
  expect((await printed(...asked)).text).toContain('QEMU 7.2.22   .            REFUSED')
  const { machines } = JSON.parse((await printed(...asked, '--json')).text) as { machines: unknown[] }
  expect(machines).toHaveLength(2)
  expect((await printed(...asked, '--html')).text).toContain('<td class="refused">')
})

test('this Godwit describes itself, and agrees with what it said of itself', async () => {
  const { text } = await printed('describe', '--json')
  const build = JSON.parse(text) as { engine: string; machines: { name: string }[] }
  expect([build.engine, build.machines.some((m) => m.name === 'pc-i440fx-5.2')]).toEqual(['godwit', true])
}, 60_000)

test.each([
  [['chek'], 'no command "compat chek"; the nearest is check'],
  [['check', 'godwit'], 'takes two builds and --machine'],
  [
    ['check', 'qemu:9.9', 'qemu:5.2', '--machine', 'isapc'],
    'no facts of QEMU 9.9 are built in; there are 5.2, 7.2, 10.0, 11.1',
  ],
  [['check', 'qemu:7.2', 'qemu:5.2', '--machine', 'pc-i440fx-5.1.1'], 'the nearest are pc-i440fx-5.1'],
  [['check', 'nowhere.json', 'qemu:5.2', '--machine', 'isapc'], 'cannot read the build nowhere.json'],
  [['check', 'qemu:7.2', 'qemu:5.2', '--machine', 'isapc', '--global', 'x'], '--global takes TYPE.PROPERTY=VALUE'],
  [
    [...BLK, '--b-global', 'virtio-blk-device.queue-siz=1024'],
    'no build has virtio-blk-device.queue-siz, so it would change nothing; the nearest are queue-size',
  ],
  [[...BLK, '--global', 'virtio-blk-devise.queue-size=1'], 'the nearest are virtio-blk-device'],
  [['matrix', '--builds', 'godwit'], 'takes two builds or more'],
  [['describe', 'now'], 'godwit compat describe takes no "now"'],
  [['matrix', '--machines', 'pc-i440fx-1.0'], 'no build has machine type pc-i440fx-1.0'],
  [['matrix', '--machine'], '--machine needs a value'],
])(
  'a wrong %j says what would have been right',
  async (args, message) => {
    await expect(async () => compat.run(args)).rejects.toThrow(UsageError)
    await expect(async () => compat.run(args)).rejects.toThrow(message)
  },
  60_000,
)
