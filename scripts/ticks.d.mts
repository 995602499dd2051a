export class TickWatch {
  constructor(dirtyKib?: number)
  last: number
  lastUptime: number
  faults: string[]
  feed(text: string): number
}
