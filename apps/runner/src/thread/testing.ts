/** Small guests, and machines to run them on either thread. */
import type { Char } from '@godwit/hw'
import { createMachine } from '@godwit/machines'
import type { WholeMachine } from '../machine-shape.ts'
import type { ThreadOptions } from './messages.ts'
import { startMachine } from './remote-machine.ts'

/** A 64 KiB firmware image: code at 0xf0000, the reset vector jumps there. */
export function firmware(code: readonly number[]): Uint8Array {
  const rom = new Uint8Array(0x1_0000)
  rom.set(code)
  rom.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0) // jmp 0xf000:0
  return rom
}

/** Writes to 128 pages in turn, for ever, with interrupts off. */
export const SCRIBBLE = [
  ...[0xfa, 0xbb, 0x00, 0x10], // cli; again: mov bx, 0x1000
  ...[0x8e, 0xdb, 0xff, 0x06, 0x00, 0x00, 0xff, 0x06, 0xf0, 0x0f], // next: mov ds, bx; inc word [0]; inc word [0xff0]
  ...[0x81, 0xc3, 0x00, 0x01, 0x81, 0xfb, 0x00, 0x90], // add bx, 0x100; cmp bx, 0x9000
  ...[0x72, 0xec, 0xeb, 0xe7], // jb next; jmp again
]

/** Says back what it hears on the first serial port. */
export const ECHO = [
  ...[0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb], // next: mov dx, 0x3fd; wait: in al, dx; test al, 1; jz wait
  ...[0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xf1], // mov dx, 0x3f8; in al, dx; out dx, al; jmp next
]

export const say = (text: string): number[] => [
  ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
  ...[...text].flatMap((c) => [0xb0, c.charCodeAt(0), 0xee]), // mov al, c; out dx, al
]

/** What both forms have that only tests want. */
export type TestedMachine = WholeMachine & { digest(): string; runFor(instructions: number): number }

export type Build = (code: readonly number[], more?: Partial<ThreadOptions>) => Promise<TestedMachine>

const options = (code: readonly number[], more: Partial<ThreadOptions>): ThreadOptions => ({
  ...{ type: 'pc-i440fx-5.2', memoryBytes: 16 << 20, bios: firmware(code), debugPorts: true },
  ...more,
})

export const onThisThread: Build = (code, more = {}) =>
  new Promise((resolve) => void resolve(createMachine(options(code, more))))

export const onItsOwn: Build = (code, more = {}) => startMachine(options(code, more))

/** A console that remembers what was said. */
export function listen(machine: WholeMachine): Char & { text(): string } {
  let text = ''
  const char = {
    write: (bytes: Uint8Array) => void (text += String.fromCharCode(...bytes)),
    onData: undefined,
    ready: () => undefined,
    text: () => text,
  }
  machine.connectSerial(char)
  return char
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}
