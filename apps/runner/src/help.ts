import type { Command } from './commands/command.ts'
import { rows } from './options.ts'

export const helpText = (
  commands: readonly Command[],
): string => `godwit: an x86-64 PC whose guests can move to and from QEMU

  godwit run [OPTIONS]      run a machine; \`godwit help run\` lists the options
  godwit inspect FILE       what a saved or recorded migration stream holds [--json] [--ram] [--short]
  godwit machines           the machine types
${commands.map((c) => `  godwit ${c.name.padEnd(18)} ${c.summary}\n`).join('')}  godwit --version

A guest on this terminal, then a second process that takes it over:

  godwit run --kernel bzImage --initrd initrd.img --append 'console=ttyS0' --qmp unix:/tmp/a.qmp
  godwit run --kernel bzImage --incoming tcp:127.0.0.1:4444
  printf '%s\\n' '{"execute":"qmp_capabilities"}' \\
    '{"execute":"migrate","arguments":{"uri":"tcp:127.0.0.1:4444"}}' | nc -NU /tmp/a.qmp
`

/** The options of run, a line or two each. */
export function runHelp(): string {
  const lines = rows
    .filter((row) => row.doc !== undefined)
    .map((row) => {
      const names = row.names.map((n) => (n.length === 1 ? `-${n}` : `--${n}`)).join(', ')
      const left = `  ${names}${row.value === undefined ? '' : ` ${row.value}`}`
      const gap = left.length < 36 ? left.padEnd(37) : `${left}\n${' '.repeat(37)}`
      return `${gap}${row.doc}`
    })
  return `godwit run [OPTIONS]\n\n${lines.join('\n')}\n
One dash or two are the same, so most of QEMU's command lines work as they are.
On a terminal: Ctrl-A x quits, Ctrl-A h helps, Ctrl-A Ctrl-A sends Ctrl-A; Ctrl-C goes to the guest.
`
}
