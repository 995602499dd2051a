import { nearest } from '@godwit/bits'

/** A nonsense option; the message says what would have been right. */
export class OptionError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'OptionError'
  }
}

/** Properties of the machine itself, as -machine takes them. */
export interface MachineProps {
  readonly hpet: boolean
  readonly vmport: boolean
  readonly acpi: boolean
  readonly smm: boolean
  readonly pit: boolean
  readonly smbus: boolean
  readonly suppressVmdesc: boolean
}

const SWITCHES = {
  hpet: 'hpet',
  vmport: 'vmport',
  acpi: 'acpi',
  smm: 'smm',
  pit: 'pit',
  smbus: 'smbus',
  'suppress-vmdesc': 'suppressVmdesc',
} as const
/** Switches that this board has only in one position. */
const FIXED: Readonly<Record<string, string>> = {
  usb: 'off',
  sata: 'off',
  graphics: 'off',
  'mem-merge': 'off',
  'dump-guest-core': 'off',
  nvdimm: 'off',
  hmat: 'off',
}

const DEFAULTS: MachineProps = {
  hpet: true,
  vmport: true,
  acpi: true,
  smm: true,
  pit: true,
  smbus: true,
  suppressVmdesc: false,
}

/** Reads -machine properties: "hpet" → "off". Some have no effect here whatever they say (sata, graphics, mem-merge). */
export function machineProps(texts: Readonly<Record<string, string>>): MachineProps {
  const props: Record<string, boolean> = { ...DEFAULTS }
  for (const [name, text] of Object.entries(texts)) {
    const key = SWITCHES[name as keyof typeof SWITCHES] as string | undefined
    const on = onOff(name, text)
    if (key !== undefined) {
      if (on !== undefined) props[key] = on
    } else if (!(name in FIXED)) {
      const known = [...Object.keys(SWITCHES), ...Object.keys(FIXED)]
      throw new OptionError(`no machine property "${name}"; the nearest are ${nearest(name, known).join(', ')}`)
    } else if ((name === 'usb' || name === 'nvdimm') && on === true) {
      throw new OptionError(`machine property ${name}=on: this board has none yet; only ${name}=off`)
    }
  }
  return props as unknown as MachineProps
}

/** Undefined for "auto". */
function onOff(name: string, text: string): boolean | undefined {
  if (text === 'on' || text === 'true' || text === 'yes') return true
  if (text === 'off' || text === 'false' || text === 'no') return false
  if (text === 'auto') return undefined
  throw new OptionError(`machine property ${name}: expected on, off or auto, came "${text}"`)
}

const MIB = 2 ** 20

/** RAM in bytes, checked: whole MiB, 1 MiB to what one WebAssembly memory holds. */
export function checkMemory(bytes: number): number {
  if (!Number.isInteger(bytes) || bytes < MIB || bytes % MIB !== 0) {
    throw new OptionError(`memory of ${bytes} bytes: expected whole MiB, at least 1`)
  }
  const most = 3584
  if (bytes > most * MIB) throw new OptionError(`memory of ${bytes / MIB} MiB: at most ${most}`)
  return bytes
}
