import { QmpError } from './qmp-error.ts'

/** Types of a command's arguments; a question mark makes one optional. */
export type ArgumentType = 'str' | 'bool' | 'int' | 'uint64' | 'list' | 'object'
export type Signature = Readonly<Record<string, ArgumentType | `${ArgumentType}?`>>
export type Arguments = Readonly<Record<string, unknown>>

const WORDS: Record<ArgumentType, string> = {
  str: 'string',
  bool: 'boolean',
  int: 'integer',
  uint64: 'uint64',
  list: 'array',
  object: 'object',
}

/** Refuses arguments that do not fit, in QEMU's words. */
export function checkArguments(signature: Signature, args: Arguments): void {
  for (const [name, type] of Object.entries(signature)) {
    if (!(name in args)) {
      if (type.endsWith('?')) continue
      throw new QmpError(`Parameter '${name}' is missing`)
    }
    const plain = type.replace('?', '') as ArgumentType
    if (fits(plain, args[name])) continue
    if (plain === 'uint64') throw new QmpError(`Parameter '${name}' expects uint64`)
    throw new QmpError(`Invalid parameter type for '${name}', expected: ${WORDS[plain]}`)
  }
  for (const name of Object.keys(args)) {
    if (!(name in signature)) throw new QmpError(`Parameter '${name}' is unexpected`)
  }
}

function fits(type: ArgumentType, value: unknown): boolean {
  switch (type) {
    case 'str':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
    case 'int':
      return Number.isInteger(value)
    case 'uint64':
      return Number.isInteger(value) && (value as number) >= 0
    case 'list':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
  }
}
