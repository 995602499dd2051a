/** Longest request; what is longer is thrown away. */
const LIMIT = 1 << 20

export type JsonPiece = { readonly value: unknown } | { readonly error: string }

/** Cuts JSON objects out of text as it comes: they may span lines, and one line may hold several. */
export class JsonStream {
  private text = ''
  private readonly decoder = new TextDecoder()

  feed(bytes: Uint8Array): JsonPiece[] {
    this.text += this.decoder.decode(bytes, { stream: true })
    const found: JsonPiece[] = []
    for (;;) {
      this.text = this.text.trimStart()
      if (this.text === '') return found
      const end = endOf(this.text)
      if (end === undefined) {
        if (this.text.length > LIMIT) {
          this.text = ''
          found.push({ error: 'JSON parse error, the request is too long' })
        }
        return found
      }
      found.push(parse(this.text.slice(0, end)))
      this.text = this.text.slice(end)
    }
  }
}

/** Length of the first object, array or stray word; undefined if its end has not come. */
function endOf(text: string): number | undefined {
  if (text[0] !== '{' && text[0] !== '[') return /^[^\s{[]+/.exec(text)![0].length
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (inString) {
      if (c === '\\') i++
      else if (c === '"') inString = false
    } else if (c === '"') inString = true
    else if (c === '{' || c === '[') depth++
    else if ((c === '}' || c === ']') && --depth === 0) return i + 1
  }
  return undefined
}

function parse(text: string): JsonPiece {
  if (text[0] !== '{' && text[0] !== '[') return { error: `JSON parse error, invalid keyword '${text.slice(0, 40)}'` }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (thrown) {
    return { error: `JSON parse error, ${thrown instanceof Error ? thrown.message : String(thrown)}` }
  }
}
