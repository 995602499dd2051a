import type { Socket } from 'node:net'

export interface QmpEvent {
  readonly event: string
  readonly data?: Readonly<Record<string, unknown>>
}
export class Qmp {
  constructor(socket: Socket)
  static open(path: string, ms?: number): Promise<Qmp>
  run(execute: string, args?: object): Promise<unknown>
  onEvent(listener: (event: QmpEvent) => void): void
  close(): void
}
