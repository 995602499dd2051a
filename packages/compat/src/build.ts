/** A build of an emulator as data, as far as compatibility depends on it: made from this Godwit, or collected from a QEMU. */
export interface Build {
  readonly format: 1
  readonly engine: 'qemu' | 'godwit'
  /** "11.1", "10.0.13". */
  readonly release: string
  readonly machines: readonly BuildMachine[]
  /** By device type, as compat properties name them ("PIIX4_PM"). */
  readonly devices: Readonly<Record<string, BuildDevice>>
  /** By CPU model: feature words and properties as the newest machine type of the build resolves them. */
  readonly cpus: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface BuildMachine {
  readonly name: string
  /** Machine types without a version are the same name in every release, whatever they become. */
  readonly versioned: boolean
  readonly alias?: string
  readonly deprecated?: string
  /** In the order in which they apply: a later one wins. */
  readonly compat: readonly CompatProperty[]
}

export interface CompatProperty {
  readonly type: string
  readonly property: string
  readonly value: string
}

export interface BuildDevice {
  /** Types it inherits from, nearest first: compat properties of a parent apply. */
  readonly parents: readonly string[]
  /** Values without any compat property. Only those that are known. */
  readonly defaults: Readonly<Record<string, string>>
  /** The section's name on the wire where it is not the schema's. */
  readonly section?: string
  readonly schema?: Schema
}

/** A description of state, without code. */
export interface Schema {
  readonly name: string
  readonly version: number
  readonly minVersion: number
  readonly fields: readonly SchemaField[]
  readonly subsections: readonly SchemaSubsection[]
}

export interface SchemaField {
  readonly name: string
  readonly type?: string
  /** Bytes of one element; 0 where the dump does not know. */
  readonly size: number
  readonly count?: number
  /** First version of the description that has the field. */
  readonly since: number
  readonly when?: Condition
  readonly struct?: Schema
}

export interface SchemaSubsection extends Schema {
  readonly when: Condition
}

/** When a field or subsection is sent. */
export type Condition =
  /** A property decides, whatever the guest does; `state` where the guest's state must agree as well. */
  | {
      readonly kind: 'property'
      readonly type: string
      readonly property: string
      readonly value: string
      readonly state?: string
    }
  /** The guest's state decides; the sentence says how. */
  | { readonly kind: 'state'; readonly sentence: string }
  | { readonly kind: 'always' }
