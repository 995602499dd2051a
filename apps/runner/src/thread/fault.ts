/** Errors on their way between threads: their classes do not survive it. */
import { VMStateError } from '@godwit/vmstate'

export type Fault =
  | {
      readonly kind: 'state'
      readonly code: VMStateError['code']
      readonly path: string
      readonly offset: number
      readonly expected: string
      readonly came: string
      readonly wanted: number
    }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly stack: string | undefined }

export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof VMStateError) {
    const { code, path, offset, expected, came, wanted } = thrown
    return { kind: 'state', code, path, offset, expected, came, wanted }
  }
  const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown))
  return { kind: 'error', name, message, stack }
}

/** What is thrown in the other thread's stead. A VMStateError is one again; others keep their names. */
export function errorOf(fault: Fault): Error {
  if (fault.kind === 'state') {
    return new VMStateError(fault.code, fault.offset, fault.expected, fault.came, fault.wanted).under(fault.path)
  }
  const error = new Error(fault.message)
  error.name = fault.name
  if (fault.stack !== undefined) error.stack = fault.stack
  return error
}
