import { expect, test } from 'vitest'
import { wantsThread } from './wants-thread.ts'

test.each([
  [['run', '--kernel', 'vmlinuz'], true],
  [['run', '-accel', 'godwit,tier1=off,thread=on'], true],
  [['-M', 'pc', '-kernel', 'vmlinuz'], true],
  [['run', '-accel', 'godwit,thread=off'], false],
  [['run', '--help'], false],
  [['--version'], false],
  [['-h'], false],
  [['inspect', 'file'], false],
  [['machines'], false],
  [[], false],
])('the command line %j wants a machine on a thread: %s', (args, wants) => {
  expect(wantsThread(args)).toBe(wants)
})
