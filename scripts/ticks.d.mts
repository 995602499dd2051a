export function linuxChain(dirtyKib: number): () => string
export class TickWatch {
  constructor(rule?: number | (() => string))
  last: number
  lastUptime: number
  lastDate: number
  faults: string[]
  feed(text: string): number
}
