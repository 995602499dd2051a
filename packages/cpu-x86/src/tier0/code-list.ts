/** Emitted handlers as a program can keep them for its next start. */

/** Bytes that a program keeps from one start to the next; a key says what else they depend on besides the program. */
export interface KeptCode {
  /** What was written under the name last, if that was by the same program and with the same key. */
  read(name: string, key: string): Uint8Array<ArrayBuffer> | undefined
  write(name: string, key: string, bytes: Uint8Array): void
}

/** A module, the names of the handlers in it, and what each of a list of instructions has of them. */
export interface CodeList {
  readonly names: readonly string[]
  readonly numbers: readonly number[]
  readonly code: Uint8Array<ArrayBuffer>
}

export function encodeList({ names, numbers, code }: CodeList): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify({ names, numbers }))
  const bytes = new Uint8Array(4 + head.length + code.length)
  new DataView(bytes.buffer).setUint32(0, head.length)
  bytes.set(head, 4)
  bytes.set(code, 4 + head.length)
  return bytes
}

export function decodeList(bytes: Uint8Array<ArrayBuffer>): CodeList {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start))) as Omit<CodeList, 'code'>
  return { ...head, code: bytes.subarray(start) }
}
