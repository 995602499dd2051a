import type { Channel } from './channel.ts'
import { sentenceOf } from './errors.ts'
import { BACK, BackReader, LAST_PING, u32Of } from './protocol.ts'

/** What the destination says, at the source's end. */
export class ReturnPath {
  private readonly channel: Channel
  private readonly reader = new BackReader()
  /** Values of the PONGs that came. */
  readonly pongs: number[] = []
  /** Status of a SHUT that was not 0. */
  refusal: number | undefined
  /** Why nothing more will come. */
  lost: string | undefined
  /** Status of the SHUT; rejects if the path ends without one. */
  readonly shut: Promise<number>
  /** The echo of the last ping; rejects if the path ends without one. */
  readonly lastPong: Promise<void>
  private settleLast!: { resolve(): void; reject(error: Error): void }
  private settle!: { resolve(status: number): void; reject(error: Error): void }

  constructor(channel: Channel) {
    this.channel = channel
    this.shut = new Promise((resolve, reject) => (this.settle = { resolve, reject }))
    // a path that is lost before anybody waits for SHUT is reported through `lost`
    this.shut.catch(() => undefined)
    this.lastPong = new Promise((resolve, reject) => (this.settleLast = { resolve, reject }))
    this.lastPong.catch(() => undefined)
  }

  /** Reads until SHUT or the end. Never rejects. */
  async read(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.channel.receive()
        if (bytes === undefined) return this.lose('the destination closed the return path')
        for (const message of this.reader.feed(bytes)) {
          const value = u32Of(message.data)
          if (message.type === BACK.PONG && value !== undefined) {
            this.pongs.push(value)
            if (value === LAST_PING) this.settleLast.resolve()
          } else if (message.type === BACK.SHUT && value !== undefined) {
            if (value !== 0) this.refusal = value
            this.lost = `the destination ended the migration (status ${value})`
            this.settleLast.reject(new Error(this.lost))
            return this.settle.resolve(value)
          } else {
            return this.lose(`the destination said something unexpected (message ${message.type})`)
          }
        }
      }
    } catch (thrown) {
      this.lose(sentenceOf(thrown))
    }
  }

  private lose(why: string): void {
    this.lost = why
    this.settleLast.reject(new Error(why))
    this.settle.reject(new Error(why))
  }
}
