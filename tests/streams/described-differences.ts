/** What a description of ours says otherwise than the one a real machine wrote behind its stream. */
import type { DescribedDevice, DescribedField, DescribedState } from '../../packages/vmstate/src/index.ts'

/**
 * Fields that QEMU renamed between the four releases, by description; only the spelling of the embedded JSON changed.
 * The last name is the newest release's and the one we write.
 */
const RENAMED: Readonly<Record<string, readonly string[][]>> = {
  pckbd: [['pending', 'pending_tmp']],
  hpet: [['num_timers', 'num_timers_save']],
  ps2kbd: [['common', 'parent_obj']],
  ps2mouse: [['common', 'parent_obj']],
}

/** The run state's buffer of 100 bytes was cut up in release 9.0: the sum is the same. */
const RUN_STATE: readonly DescribedField[] = [
  { name: 'runstate', type: 'buffer', size: 32 },
  { name: 'has_vm_was_suspended', type: 'uint8', size: 1 },
  { name: 'vm_was_suspended', type: 'uint8', size: 1 },
  { name: 'unused', type: 'buffer', size: 66 },
]

const KEYS = ['type', 'size', 'array_len', 'index'] as const

type Level = Pick<DescribedState, 'fields' | 'subsections'> & { readonly vmsd_name?: string; readonly version?: number }

/** Lines "path: what"; none if the two agree in names, types, versions, sizes (and so offsets) and nesting. */
export function describedDifferences(ours: DescribedDevice, theirs: DescribedDevice): string[] {
  const out: string[] = []
  const path = `${theirs.name}/${theirs.instance_id}`
  if (ours.name !== theirs.name) out.push(`${path}: called ${ours.name}`)
  if (ours.instance_id !== theirs.instance_id) out.push(`${path}: instance ${ours.instance_id}`)
  compareLevel(ours, theirs, path, out)
  return out
}

function compareLevel(ours: Level, theirs: Level, path: string, out: string[]): void {
  if (ours.vmsd_name !== theirs.vmsd_name) out.push(`${path}: description ${ours.vmsd_name}, not ${theirs.vmsd_name}`)
  if (ours.version !== theirs.version) out.push(`${path}: version ${ours.version}, not ${theirs.version}`)
  const recorded = theirs.fields.flatMap((f) => (f.name === 'runstate' && f.size === 100 ? RUN_STATE : [f]))
  const count = Math.max(ours.fields.length, recorded.length)
  const name = theirs.vmsd_name ?? ''
  for (let i = 0; i < count; i++) compareField(ours.fields[i], recorded[i], name, `${path}[${i}]`, out)
  const names = (level: Level): string => (level.subsections ?? []).map((s) => s.vmsd_name).join(' ')
  if (names(ours) !== names(theirs)) {
    out.push(`${path}: subsections "${names(ours)}", not "${names(theirs)}"`)
    return
  }
  ours.subsections?.forEach((s, i) => {
    const other = theirs.subsections![i]!
    compareLevel(s, other, `${path}<${other.vmsd_name}>`, out)
  })
}

function compareField(
  ours: DescribedField | undefined,
  theirs: DescribedField | undefined,
  within: string,
  path: string,
  out: string[],
): void {
  if (ours === undefined || theirs === undefined) {
    const [only, whose] = ours === undefined ? [theirs!, 'theirs'] : [ours, 'ours']
    out.push(`${path}: ${only.name} (${only.type} ${only.size}) only in ${whose}`)
    return
  }
  const at = `${path}.${theirs.name}`
  if (newest(within, ours.name) !== newest(within, theirs.name)) out.push(`${at}: called ${ours.name}`)
  // Elements that are written one by one are numbered by 7.2 and before, but for the first not by 10.0, and not by 11.1.
  const keys = theirs.index === undefined ? (['type', 'size', 'array_len'] as const) : KEYS
  for (const key of keys) {
    if (ours[key] !== theirs[key]) out.push(`${at}: ${key} ${ours[key] ?? 'none'}, not ${theirs[key] ?? 'none'}`)
  }
  if (ours.struct !== undefined && theirs.struct !== undefined) compareLevel(ours.struct, theirs.struct, at, out)
  else if (ours.struct !== undefined || theirs.struct !== undefined) out.push(`${at}: a struct only on one side`)
  if (ours.fields !== undefined && theirs.fields !== undefined) {
    compareLevel(ours as Level, theirs as Level, at, out)
  } else if (ours.fields !== undefined || theirs.fields !== undefined) out.push(`${at}: fields only on one side`)
}

function newest(within: string, name: string): string {
  return RENAMED[within]?.find((names) => names.includes(name))?.at(-1) ?? name
}
