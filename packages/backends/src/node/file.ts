import { closeSync, openSync, writeSync } from 'node:fs'
import type { Char } from '@godwit/hw'

export interface FileChar extends Char {
  close(): void
}

/** What the guest says goes to a file, at once, so that it is there after a crash. Throws what opening throws. */
export function fileChar(path: string): FileChar {
  const file = openSync(path, 'w')
  let open = true
  return {
    onData: undefined,
    ready: () => undefined,
    write(data) {
      if (!open) return
      try {
        for (let done = 0; done < data.length;) done += writeSync(file, data, done)
      } catch {
        // a full disk must not stop the guest: what follows is lost
        open = false
      }
    },
    close() {
      if (open) closeSync(file)
      open = false
    },
  }
}
