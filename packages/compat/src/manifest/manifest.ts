/** A machine type's manifest: everything a guest and the wire can see of it, frozen once it is released. */
import { ABI_PARTS, createMachine, type AbiPart, type GuestAbi } from '@godwit/machines'

/** What is committed of a machine type: a digest a part. The lines themselves lie beside it, by digest. */
export interface Manifest {
  readonly machine: string
  /** Digest of the parts' digests: the identity of the hardware. */
  readonly digest: string
  readonly parts: Readonly<Record<AbiPart, string>>
}

/** Enough of SHA-256 to name a part; hex digits. */
const DIGITS = 16

/** The machine that manifests describe: the defaults of the machine type, 64 MiB, firmware of 64 KiB. */
export function visibleLines(type: string): GuestAbi {
  const bios = new Uint8Array(0x1_0000).fill(0xf4)
  return createMachine({ type, memoryBytes: 64 << 20, bios, time: {} }).guestAbi()
}

export async function manifestOf(machine: string, abi: GuestAbi): Promise<Manifest> {
  const digests = await Promise.all(ABI_PARTS.map((part) => digestOf(partText(abi[part]))))
  const parts = Object.fromEntries(ABI_PARTS.map((part, i) => [part, digests[i]!])) as Record<AbiPart, string>
  return { machine, digest: await digestOf(digests.join('\n')), parts }
}

/** A part as it is committed. */
export const partText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

export const linesOfPart = (text: string): string[] => text.split('\n').slice(0, -1)

async function digestOf(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return [...bytes]
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, DIGITS)
}
