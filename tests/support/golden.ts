/** Golden sections: one for every version of every description that can still be loaded. Written once, never changed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createMachine, type Machine } from '../../packages/machines/src/index.ts'
import { inspectState, loadBytes, readWhole, saveBytes, type VMState } from '../../packages/vmstate/src/index.ts'
import { stream } from '../streams/fixtures.ts'
import { fileNameOf } from './reference.ts'

/** A section of which every version from minVersion on has its pair of files. */
export interface Golden {
  /** "i8254/v2" */
  readonly path: string
  readonly idstr: string
  readonly version: number
}

const folder = fileURLToPath(new URL('../golden/vmstate/', import.meta.url))

export const freshMachine = (): Machine =>
  createMachine({ type: 'pc-i440fx-5.2', cpu: 'qemu64', memoryBytes: 2 ** 24, incoming: true, time: {} })

/** All that there must be, by the descriptions of the board. */
export function goldens(): Golden[] {
  return freshMachine()
    .sections.filter((s) => s.instance === 0)
    .flatMap(({ idstr, vmstate: { minVersion, version } }) =>
      Array.from({ length: version - minVersion + 1 }, (_, i) => ({
        path: `${fileNameOf(idstr)}/v${minVersion + i}`,
        idstr,
        version: minVersion + i,
      })),
    )
}

export const goldenThere = ({ path }: Golden): boolean => existsSync(`${folder}${path}.bin`)
export const goldenBytes = ({ path }: Golden): Uint8Array => readFileSync(`${folder}${path}.bin`)
export const goldenText = ({ path }: Golden): string => readFileSync(`${folder}${path}.txt`, 'utf8')

/** The values a version loads into a fresh machine, a line each. */
export function valuesOf({ idstr, version }: Golden, bytes: Uint8Array): string {
  const { vmstate, state } = sectionOf(freshMachine(), idstr)
  loadBytes(vmstate, state, bytes, version)
  const lines = inspectState(vmstate, state).map(({ path, value }) => `${path} = ${valueText(value)}`)
  return `${lines.join('\n')}\n`
}

/** What a version's bytes become when the state they were loaded into is saved as that version again. */
export function savedAgain({ idstr, version }: Golden, bytes: Uint8Array): Uint8Array {
  const { vmstate, state } = sectionOf(freshMachine(), idstr)
  loadBytes(vmstate, state, bytes, version)
  return saveBytes(vmstate, state, version)
}

/** Writes the files of a version that has none: the state of a Linux guest that was recorded. */
export function bless(golden: Golden): void {
  const item = readWhole(stream('linux-sections', 'i440fx-base-linux-11.1.mig')).find(
    (i) => i.kind === 'device' && i.idstr === golden.idstr && i.instance === 0,
  )
  if (item?.kind !== 'device') throw new Error(`no ${golden.idstr} was recorded`)
  const { vmstate, state } = sectionOf(freshMachine(), golden.idstr)
  loadBytes(vmstate, state, item.payload, item.version)
  const bytes = saveBytes(vmstate, state, golden.version)
  mkdirSync(folder + golden.path.slice(0, golden.path.indexOf('/')), { recursive: true })
  writeFileSync(`${folder}${golden.path}.bin`, bytes)
  writeFileSync(`${folder}${golden.path}.txt`, valuesOf(golden, bytes))
}

function sectionOf(machine: Machine, idstr: string): { vmstate: VMState<object>; state: object } {
  const found = machine.sections.find((s) => s.idstr === idstr && s.instance === 0)
  if (found === undefined) throw new Error(`no section ${idstr}`)
  return found as unknown as { vmstate: VMState<object>; state: object }
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array)
    return (
      Buffer.from(value)
        .toString('hex')
        .replace(/(00)+$/, '…') || '-'
    )
  if (Array.isArray(value)) return value.map(valueText).join(' ')
  return String(value)
}
