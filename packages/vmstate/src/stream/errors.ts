import { readable } from '../errors.ts'

export type StreamFault =
  | 'header'
  | 'configuration'
  | 'element'
  | 'section'
  | 'unknown-sections'
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
    super(readable(`${place} at offset ${at.offset}: expected ${expected}, came ${came}`), options)
    this.code = code
    this.section = at.section
    this.path = at.path ?? ''
    this.offset = at.offset
    this.expected = expected
    this.came = came
  }
}

/** Sections of a machine with devices that the receiver has not got. */
export class UnknownSections extends StreamError {
  /** "idstr/instance" of every section from the first unknown one to the end of what could be read, in order. */
  readonly sections: readonly string[]
  /** Whether the end of the stream was reached, so that there are no others. */
  readonly all: boolean

  constructor(first: { readonly section: string; readonly offset: number }, sections: readonly string[], all: boolean) {
    super('unknown-sections', first, 'a section that the receiver has', sections.join(', ') + (all ? '' : ' ...'))
    this.sections = sections
    this.all = all
  }
}
