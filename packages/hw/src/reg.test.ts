import { expect, test } from 'vitest'
import { handlersOf, reg, type Regs } from './reg.ts'

function logged() {
  const log: string[] = []
  const one = (name: string, offset: number, width: number, value: number, wide = false) =>
    reg(offset, width, name, {
      ...(wide ? { wide } : {}),
      read(at, size) {
        log.push(`${name} ${at} ${size}`)
        return value
      },
      write: (v, at, size) => void log.push(`${name} ${at} ${size} 0x${v.toString(16)}`),
    })
  return { log, one }
}

test('an access inside one register reaches it whole, with its offset there', () => {
  const { log, one } = logged()
  const io = handlersOf({ low: one('low', 0, 4, 0x12345678), high: one('high', 4, 4, 0) })
  expect(io.read(0, 4)).toBe(0x12345678)
  io.write(6, 2, 0xabcd)
  expect(log).toEqual(['low 0 4', 'high 2 2 0xabcd'])
})

test('an access over several registers falls apart into bytes, lowest first', () => {
  const { log, one } = logged()
  const io = handlersOf({ a: one('a', 0, 1, 0x11), b: one('b', 1, 1, 0x22) })
  expect(io.read(0, 2)).toBe(0x2211)
  io.write(0, 2, 0x4433)
  expect(log).toEqual(['a 0 1', 'b 0 1', 'a 0 1 0x33', 'b 0 1 0x44'])
})

test('a wide register takes the whole access, whatever lies behind it', () => {
  const { log, one } = logged()
  const io = handlersOf({ data: one('data', 0, 1, 0xcafe, true), status: one('status', 1, 1, 0) })
  expect(io.read(0, 2)).toBe(0xcafe)
  io.write(0, 4, 0x12345678)
  expect(log).toEqual(['data 0 2', 'data 0 4 0x12345678'])
})

test('where there is no register, or none that reads, ones are read; writes there are dropped', () => {
  const writes: number[] = []
  const regs: Regs = {
    command: reg(0, 1, 'write-only', { write: (v) => void writes.push(v) }),
    status: reg(2, 1, 'read-only', { read: () => 0x5a }),
  }
  const io = handlersOf(regs)
  expect([io.read(0, 1) & 0xff, io.read(1, 1) & 0xff, io.read(0, 4)]).toEqual([0xff, 0xff, 0xff5affff])
  io.write(0, 4, 0x04030201)
  expect(writes).toEqual([1])
})
