import { readFileSync } from 'node:fs'
import { StreamError, inspectStream, reportJson, reportText } from '@godwit/vmstate'
import { reasonOf } from './files.ts'
import { UsageError } from './usage-error.ts'

/** `godwit inspect FILE [--json] [--ram] [--short]`: the text to print. */
export function inspectCommand(args: readonly string[]): string {
  const flags = new Set(args.filter((a) => a.startsWith('--')))
  const files = args.filter((a) => !a.startsWith('--'))
  for (const flag of flags) {
    if (flag !== '--json' && flag !== '--ram' && flag !== '--short') {
      throw new UsageError(`no option ${flag}; there are --json, --ram and --short`)
    }
  }
  const [file, ...more] = files
  if (file === undefined || more.length > 0) throw new UsageError('godwit inspect takes one file')
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (thrown) {
    throw new UsageError(`cannot read ${file}: ${reasonOf(thrown)}`)
  }
  try {
    const report = inspectStream(bytes)
    if (flags.has('--json')) return `${JSON.stringify(reportJson(report), null, 2)}\n`
    if (flags.has('--ram')) return `${JSON.stringify(report.blocks, null, 2)}\n`
    return reportText(report, { short: flags.has('--short') })
  } catch (thrown) {
    if (thrown instanceof StreamError)
      throw new UsageError(`${file} is not a whole migration stream: ${thrown.message}`)
    throw thrown
  }
}
