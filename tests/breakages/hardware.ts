/** What the guest sees: lines of manifests that change. */
import { compareWithFrozen, findingText, manifestOf, visibleLines } from '../../packages/compat/src/index.ts'
import type { AbiPart, GuestAbi } from '../../packages/machines/src/index.ts'
import type { Replay } from './replay.ts'

const MACHINE = 'pc-i440fx-10.0'
let lines: GuestAbi | undefined

const seen = (id: number, carrier: string, part: AbiPart, from: RegExp, to: string, says: RegExp): Replay => ({
  ...{ id, by: 'manifest', carrier, says },
  async told(faulty) {
    lines ??= visibleLines(MACHINE)
    const released = lines
    const changed = faulty ? released[part].map((line) => line.replace(from, to)) : released[part]
    const abi = { ...released, [part]: changed }
    const [frozen, current] = [await manifestOf(MACHINE, released), await manifestOf(MACHINE, abi)]
    return compareWithFrozen(frozen, current, abi, (p) => released[p], 'pc-i440fx-11.1').map(findingText)
  },
})

export const HARDWARE: readonly Replay[] = [
  seen(
    1,
    'our ACPI tables',
    'ram-blocks',
    /^(\/rom@etc\/acpi\/tables) = \d+/,
    '$1 = 135168',
    /acpi\/tables was 131072/,
  ),
  seen(2, 'our IDE function: status and header', 'pci', /^(01\.1 config 0000 = .{12})../, '$18a', /01\.1 config 0000/),
  seen(3, 'our IDE function: size of a base address', 'pci', /^(01\.1 wmask 0020 = )../, '$1e0', /01\.1 wmask 0020/),
  seen(24, 'our IDE function: the next base address', 'pci', /^(01\.1 wmask 0020 = ..)../, '$1fe', /01\.1 wmask 0020/),
  seen(29, 'RAM of our board', 'ram-blocks', /^pc\.ram = \d+/, 'pc.ram = 67112960', /pc\.ram was 67108864/),
  seen(49, 'our CPU model qemu64', 'cpuid', /^(qemu64 00000001\.0 = .*)0([0-9a-f]{7})$/, '$11$2', /qemu64 00000001\.0/),
  seen(50, 'our CPU model qemu64', 'cpuid', /^(qemu64 80000001\.0 = .*)[0-9a-f]$/, '$1f', /qemu64-x86_64-cpu/),
]
