/** Bytes both ways between two machines. */
export interface Channel {
  /** What errors and logs call it: "tcp:127.0.0.1:4444". */
  readonly name: string
  /** False if nothing can ever be received: a file that is written, say. */
  readonly duplex: boolean
  /**
   * Hands bytes on, in order; resolves when the channel can take more. The bytes belong to the channel from then on.
   * Rejects when they cannot arrive any more.
   */
  send(bytes: Uint8Array): Promise<void>
  /** The next bytes, at least one; undefined when the peer closed in order. One call at a time. */
  receive(): Promise<Uint8Array | undefined>
  /** Ends our side after everything sent; also releases the host's resources. Never rejects; may be called again. */
  close(): Promise<void>
  /** Breaks the channel off: pending calls on both sides fail or end. May be called at any time. */
  abort(reason: string): void
}

/** Thrown by channels. */
export class ChannelError extends Error {
  /** The message without the channel's name. */
  readonly detail: string

  constructor(channel: string, detail: string, cause?: unknown) {
    super(`${channel}: ${detail}`, { cause })
    this.name = 'ChannelError'
    this.detail = detail
  }
}
