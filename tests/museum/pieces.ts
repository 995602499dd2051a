/** What hangs in the museum: a stream for each machine version, device set and moment. */
import { createMachine, machineTypes, refusalsOf, type Machine } from '../../packages/machines/src/index.ts'
import { midOperation } from './mid-operation.ts'

export interface Piece {
  /** "pc-i440fx-10.0-base-busy" */
  readonly name: string
  make(): Machine
}

const DEVICE_SETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  min: { hpet: 'off', vmport: 'off', acpi: 'off', smm: 'off' },
  base: {},
}
/** Some work between the moments, so that clocks have run and timers wait at odd places. */
const INSTRUCTIONS = 20_003

/** A firmware image that does nothing for ever: interrupts stay off, time passes. */
function idleFirmware(): Uint8Array {
  const image = new Uint8Array(0x1_0000).fill(0xf4)
  image.set([0xeb, 0xfe], 0xfff0)
  return image
}

/** The machine that a piece is loaded into. */
export function emptyMachine(type: string, set: string): Machine {
  return createMachine({ ...optionsOf(type, set), incoming: true })
}

const optionsOf = (type: string, set: string) => ({
  type,
  props: DEVICE_SETS[set]!,
  cpu: 'qemu64',
  memoryBytes: 1 << 20,
  bios: idleFirmware(),
  time: {},
})

/** Every piece of the machine types that there are now. */
export function pieces(): Piece[] {
  const types = machineTypes().filter((t) => refusalsOf(t).length === 0)
  return types.flatMap(({ name: type }) =>
    Object.keys(DEVICE_SETS).flatMap((set) =>
      (['idle', 'busy'] as const).map((moment) => ({
        name: `${type}-${set}-${moment}`,
        make() {
          const machine = createMachine(optionsOf(type, set))
          machine.runFor(INSTRUCTIONS)
          if (moment === 'busy') {
            midOperation(machine)
            machine.runFor(INSTRUCTIONS)
          }
          machine.runState = 'paused'
          return machine
        },
      })),
    ),
  )
}

/** Machine type and device set of a piece's name. */
export function placeOf(name: string): readonly [type: string, set: string] {
  const [, type, set] = /^(.+)-([^-]+)-[^-]+$/.exec(name)!
  return [type!, set!]
}
