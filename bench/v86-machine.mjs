/**
 * A guest in v86 under Node: its first serial port is stdin and stdout.
 *
 *   node bench/v86-machine.mjs --kernel FILE --initrd FILE --append TEXT --bios FILE --vga-bios FILE [-m MiB]
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { V86 } from 'v86'

const text = { type: 'string' }
const { values } = parseArgs({
  options: {
    kernel: text,
    initrd: text,
    append: text,
    bios: text,
    'vga-bios': text,
    memory: { type: 'string', short: 'm', default: '256' },
  },
})

function file(path) {
  const { buffer, byteOffset, byteLength } = readFileSync(path)
  return { buffer: buffer.slice(byteOffset, byteOffset + byteLength) }
}

const machine = new V86({
  wasm_path: createRequire(import.meta.url).resolve('v86/build/v86.wasm'),
  bios: file(values.bios),
  vga_bios: file(values['vga-bios']),
  bzimage: file(values.kernel),
  initrd: file(values.initrd),
  cmdline: values.append,
  memory_size: Number(values.memory) * 2 ** 20,
  vga_memory_size: 8 * 2 ** 20,
  autostart: true,
  disable_speaker: true,
  log_level: 0,
})
// A line at a time: a system call for every byte would be the emulator's loss.
let line = ''
machine.add_listener('serial0-output-byte', (byte) => {
  line += String.fromCharCode(byte)
  if (byte !== 10) return
  process.stdout.write(line, 'latin1')
  line = ''
})
process.stdin.setEncoding('latin1').on('data', (typed) => machine.serial0_send(typed))
process.stdin.on('end', () => process.exit(0))
