/** Small edits of our own source: a table row, and a default in a device's list of properties. */

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/
const key = (name: string): string => (IDENTIFIER.test(name) ? name : quoted(name))
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** An empty row on top of the table. */
export function openVersion(text: string, version: string): string {
  const first = /\n {2}(?:\{ version: |\{\n {4}version: )/.exec(text)
  if (first === null) throw new RangeError('no row in the table of versions')
  return `${text.slice(0, first.index)}\n  { version: '${version}', compat: {} },${text.slice(first.index)}`
}

/** Adds a property to the row of a version. */
export function addToRow(text: string, version: string, type: string, property: string, value: string): string {
  const row = new RegExp(`version: '${escaped(version)}',\\s*compat: \\{`).exec(text)
  if (row === null) throw new RangeError(`no row of ${version} in the table of versions`)
  const from = row.index + row[0].length
  const end = closing(text, from)
  const entry = `${key(property)}: ${quoted(value)}`
  const group = new RegExp(`(?:^|[\\s{,])(?:${escaped(key(type))}|'${escaped(type)}'): \\{`).exec(text.slice(from, end))
  if (group !== null) {
    const close = closing(text, from + group.index + group[0].length)
    const inner = text.slice(from + group.index + group[0].length, close).trimEnd()
    const at = from + group.index + group[0].length + inner.length
    return `${text.slice(0, at)}${inner.endsWith(',') ? '' : ','} ${entry}${text.slice(at)}`
  }
  const inner = text.slice(from, end).trimEnd()
  const comma = inner === '' || inner.endsWith(',') ? '' : ','
  const at = from + inner.length
  const gap = text.slice(at, end) === '' ? ' ' : text.slice(at, end)
  return `${text.slice(0, at)}${comma} ${key(type)}: { ${entry} }${gap}${text.slice(end)}`
}

/** Text with another default, or undefined where the default is not written as a value. */
export function setDefaultIn(text: string, type: string, property: string, value: string): string | undefined {
  const def = text.search(new RegExp(`^ {2}type: '${escaped(type)}',`, 'm'))
  if (def < 0) return undefined
  const props = text.indexOf('props: {', def)
  if (props < 0) return undefined
  const end = closing(text, props + 'props: {'.length)
  const name = `(?:${escaped(property)}|'${escaped(property)}')`
  const found = new RegExp(
    `([{\\s,]${name}: (?:(flag|num|text)\\(|oneOf\\(\\[[^\\]]*\\], ))(true|false|-?\\d[\\dxa-fA-F_.]*|'[^']*')`,
  ).exec(text.slice(props, end))
  if (found === null) return undefined
  const [, head = '', kind] = found
  const at = props + found.index + head.length
  return `${text.slice(0, at)}${literal(kind, value)}${text.slice(at + found[3]!.length)}`
}

function literal(kind: string | undefined, value: string): string {
  if (kind === 'flag') return ['on', 'true', 'yes'].includes(value) ? 'true' : 'false'
  return kind === 'num' ? value : quoted(value)
}

/** Where the brace that was opened before `from` closes. Strings of these files have no braces. */
function closing(text: string, from: number): number {
  let depth = 1
  for (let i = from; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  throw new RangeError('a brace is not closed')
}
