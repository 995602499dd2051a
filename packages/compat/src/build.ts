/** A build of an emulator as data, as far as compatibility depends on it: made from this Godwit, or collected from a QEMU. */
export interface Build {
  readonly format: 1
  readonly engine: 'qemu' | 'godwit'
  /** "11.1", "10.0.13". */
  readonly release: string
  readonly machines: readonly BuildMachine[]
  /** What the machines have without any option, by the name that machines refer to. */
  readonly boards: Readonly<Record<string, BuildBoard>>
  /** By device type, as compat properties name them ("PIIX4_PM"). */
  readonly devices: Readonly<Record<string, BuildDevice>>
  /** Sections that belong to no device ("cpu", "timer", "globalstate"), by their name on the wire. */
  readonly sections: Readonly<Record<string, Schema>>
  /** By CPU model: what a machine type without compat properties resolves; false ones of `base` are left out. */
  readonly cpus: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface BuildMachine {
  readonly name: string
  /** Machine types without a version are the same name in every release, whatever they become. */
  readonly versioned: boolean
  readonly alias?: string
  /** The sentence, or "yes" where the build gives none. */
  readonly deprecated?: string
  /** In the order in which they apply: a later one wins. */
  readonly compat: readonly CompatProperty[]
  /** Key into the build's boards. */
  readonly board: string
}

export interface CompatProperty {
  readonly type: string
  readonly property: string
  readonly value: string
}

export interface BuildBoard {
  /** Types of the objects on the board that have a section, a property or a parent worth knowing; each once. */
  readonly devices: readonly string[]
  /** Sections of the bare machine. */
  readonly sections: readonly BoardSection[]
  /** RAM blocks of the bare machine; the guest's RAM itself is not among them, since an option decides its size. */
  readonly ram: readonly BuildRam[]
}

export interface BoardSection {
  /** With its path where the bus gives one: "0000:00:01.3/piix4_pm". */
  readonly idstr: string
  readonly instance: number
  readonly version: number
  /** The type whose description it is; absent for a section that belongs to no device. */
  readonly type?: string
}

export interface BuildRam {
  /** "pc.bios"; for a device's block without the path in front. */
  readonly name: string
  readonly bytes: number
  /** Takes the sender's size, up to a limit. */
  readonly resizable?: boolean
}

export interface BuildDevice {
  /** Types it inherits from, nearest first: compat properties of a parent apply. */
  readonly parents: readonly string[]
  /** Values without any compat property; null where the property is there and its default is not known. */
  readonly defaults: Readonly<Record<string, string | null>>
  readonly schema?: Schema
  /** Types of further objects that a device of this type creates (virtio-blk-pci: virtio-blk-device). */
  readonly brings?: readonly string[]
  /** RAM blocks that a device of this type brings. */
  readonly ram?: readonly BuildRam[]
  /** What no description shows but decides on a hop; each name is known to the checker (docs/compat/check.md). */
  readonly facts?: Readonly<Record<string, string>>
}

/** A description of state, without code. */
export interface Schema {
  readonly name: string
  readonly version: number
  readonly minVersion: number
  readonly fields: readonly SchemaField[]
  readonly subsections: readonly SchemaSubsection[]
  /** Only the name and the versions are known. */
  readonly opaque?: boolean
  /** A machine that has it refuses to migrate. */
  readonly unmigratable?: boolean
  /** For a whole section that is optional. */
  readonly when?: Condition
}

export interface SchemaField {
  readonly name: string
  /** QEMU's name ("uint8", "timer", "unused_buffer"); absent where the source does not tell. */
  readonly type?: string
  /** Bytes of one element on the wire; 0 for what is taken apart below or cannot be known without a state. */
  readonly size: number
  /** Elements; a string says what the number depends on. Absent for one. */
  readonly count?: number | string
  /** First version of the description that has the field. */
  readonly since: number
  readonly when?: Condition
  /** The element's own description. Its version is not on the wire unless the type is "vstruct". */
  readonly struct?: Schema
}

export interface SchemaSubsection extends Schema {
  readonly when: Condition
}

/** When a field or subsection is sent. */
export type Condition =
  /**
   * A property decides, whatever the guest does; `state` where the guest's state must agree as well. A build that does
   * not have the property cannot switch it off.
   */
  | {
      readonly kind: 'property'
      readonly type: string
      readonly property: string
      /** The value with which it is sent. */
      readonly value: string
      readonly state?: string
    }
  /** The guest's state decides; the sentence says how. */
  | { readonly kind: 'state'; readonly sentence: string }
  | { readonly kind: 'always' }
