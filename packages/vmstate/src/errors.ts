import { EndOfBytes } from '@godwit/bits'
import { BadValue } from './codecs.ts'

/** Names in a stream may be any bytes; in a sentence for people each that is no printable ASCII is spelt out. */
export const readable = (text: string): string =>
  text.replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** What kind of fault a description met. */
export type VMStateFault =
  'version' | 'value' | 'end-of-bytes' | 'unknown-subsection' | 'duplicate-subsection' | 'refused'

/** A state that cannot be written, or bytes that are not such a state. */
export class VMStateError extends Error {
  override readonly name = 'VMStateError'
  readonly code: VMStateFault
  /** Description and field, e.g. "piix4_pm/ar.tmr.timer". */
  path = ''
  /** Offset in the stream while loading, in the bytes written so far while saving. */
  readonly offset: number
  readonly expected: string
  readonly came: string
  /** With code 'end-of-bytes': how many bytes must follow `offset` for the read that failed. */
  readonly wanted: number

  constructor(code: VMStateFault, offset: number, expected: string, came: string, wanted = 0) {
    super()
    this.code = code
    this.offset = offset
    this.expected = expected
    this.came = came
    this.wanted = wanted
    this.spell()
  }

  /** Puts the field or element that was at work before the path; used while the error travels outwards. */
  under(segment: string): this {
    const joined = this.path === '' || this.path.startsWith('[') || segment.endsWith('/')
    this.path = segment + (joined ? '' : '.') + this.path
    this.spell()
    return this
  }

  private spell(): void {
    this.message = readable(`${this.path} at offset ${this.offset}: expected ${this.expected}, came ${this.came}`)
  }
}

/** Turns what a codec or a hook threw into a VMStateError; anything that is not a fault of the state passes unchanged. */
export function asVMStateError(thrown: unknown, offset: number): unknown {
  if (thrown instanceof VMStateError) return thrown
  if (thrown instanceof EndOfBytes) {
    return new VMStateError(
      'end-of-bytes',
      thrown.offset,
      `${thrown.wanted} bytes`,
      `${thrown.left} bytes`,
      thrown.wanted,
    )
  }
  if (thrown instanceof BadValue) return new VMStateError('value', offset, thrown.expected, thrown.came)
  if (thrown instanceof RangeError) return new VMStateError('value', offset, 'a value that fits', thrown.message)
  return thrown
}

/** Runs `work` with `segment` put before the path of what it throws. */
export function within<T>(segment: string, offset: () => number, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    const error = asVMStateError(thrown, offset())
    throw error instanceof VMStateError ? error.under(segment) : error
  }
}
