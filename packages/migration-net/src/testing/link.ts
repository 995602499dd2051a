import type { Channel } from '../channel.ts'
import { memoryChannels, type MemoryChannelOptions } from '../channels/memory.ts'

/** A place in memory where one side connects as often as it likes and the other accepts. */
export interface MemoryLink {
  /** Our end of a new connection. */
  connect(): Channel
  /** The other end of the next connection, in the order of connecting. */
  accept(): Promise<Channel>
}

export function memoryLink(options: MemoryChannelOptions = {}): MemoryLink {
  const come: Channel[] = []
  const waiting: ((channel: Channel) => void)[] = []
  return {
    connect() {
      const [a, b] = memoryChannels(options)
      const next = waiting.shift()
      if (next === undefined) come.push(b)
      else next(b)
      return a
    },
    accept() {
      const next = come.shift()
      return next === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(next)
    },
  }
}
