import type { CpuTuning } from '@godwit/machines'
import { codeCache } from './code-cache.ts'

/**
 * What a processor emits at every start alike, in the user's cache beside V8's code.
 *
 * @param path the program's file
 * @param id   differs between any two programs
 */
export function keptCode(path: string, id: string, keptIn?: string): NonNullable<CpuTuning['kept']> {
  const entry = (name: string, key: string) => codeCache(`${path}.${name}`, `${id} ${key}`, keptIn)
  return {
    read: (name, key) => entry(name, key).read() as Uint8Array<ArrayBuffer> | undefined,
    write: (name, key, bytes) => entry(name, key).write(bytes),
  }
}
