export type StreamFault =
  | 'header'
  | 'configuration'
  | 'element'
  | 'section'
  | 'footer'
  | 'ram'
  | 'command'
  | 'description'
  | 'limit'
  | 'truncated'
  | 'trailing'

/** Bytes that are not a stream we take. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: StreamFault
  /** "idstr/instance" of the section at work, or "" between sections. */
  readonly section: string
  /** Field in the section, "" where no field is meant. */
  readonly path: string
  /** Offset in the whole stream. */
  readonly offset: number
  readonly expected: string
  readonly came: string

  constructor(
    code: StreamFault,
    at: { readonly section: string; readonly path?: string; readonly offset: number },
    expected: string,
    came: string,
    options?: ErrorOptions,
  ) {
    const place = [at.section && `section ${at.section}`, at.path].filter(Boolean).join(', ') || 'stream'
    super(`${place} at offset ${at.offset}: expected ${expected}, came ${came}`, options)
    this.code = code
    this.section = at.section
    this.path = at.path ?? ''
    this.offset = at.offset
    this.expected = expected
    this.came = came
  }
}
