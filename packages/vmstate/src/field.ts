import type { Reader, Writer } from '@godwit/bits'
import type { Dead, FieldLife, Gate, Life, Release, UnusedLife } from './life.ts'

/** What a codec may know of its surroundings besides its own value. */
export interface Where {
  /** The state the field belongs to (the innermost struct). */
  readonly state: unknown
  /** Version of the description that is written, or that came on the wire. */
  readonly version: number
}

/** How one value looks on the wire. */
export interface Codec<T> {
  /** QEMU's name of the type, as its embedded description prints it ("uint8", "timer", "struct" ...). */
  readonly type: string
  put(w: Writer, value: T, where: Where): void
  /** Reads a value. `old` is the state's present value: compound codecs load into it and return it, so references stay good. */
  get(r: Reader, old: T, where: Where): T
  /** For compound codecs: what describe and inspect need to know of the inside. */
  readonly shape?: Shape
}

export type Shape =
  | { readonly kind: 'struct'; readonly vmstate: AnyVMState; readonly version?: number }
  | { readonly kind: 'array'; readonly element: Codec<never>; readonly length: number | string }
  | { readonly kind: 'list'; readonly element: Codec<never> }
  /** Not taken apart further. A length that is not a number says where it comes from. */
  | { readonly kind: 'bytes'; readonly length: number | string }
  /** An auxiliary description whose fields stand in the place of the field. */
  | { readonly kind: 'tmp'; readonly vmstate: AnyVMState; readonly aux: (value: never, state: unknown) => unknown }

/** Fields known by version or condition, in a subsection, not on the wire, or bytes that once meant something. */
export type Field<S, T> = Codec<T> | Since<T> | When<S, T> | Inside<S, T> | Named<S, T> | Born<S, T> | Derived

export interface Since<T> {
  readonly fate: 'since'
  readonly version: number
  readonly codec: Codec<T>
}
/** Present only if the test holds of state and version (QEMU's field_exists). */
export interface When<S, T> {
  readonly fate: 'when'
  readonly sentence: string
  exists(state: S, version: number): boolean
  readonly codec: Codec<T>
  /** The property behind the condition. */
  readonly gate?: Gate
}
export interface Inside<S, T> {
  readonly fate: 'inside'
  readonly sub: Subsection<S>
  readonly field: Codec<T> | Since<T> | When<S, T> | Unused | Named<S, T> | Born<S, T>
}
/** A field younger, or older, than what it stands in: version, subsection or description. */
export interface Born<S, T> {
  readonly fate: 'born'
  readonly life: FieldLife<T>
  readonly field: Codec<T> | Since<T> | When<S, T> | Named<S, T>
}
/** A field whose name in the embedded description is not its key. */
export interface Named<S, T> {
  readonly fate: 'named'
  readonly name: string
  readonly field: Codec<T> | Since<T> | When<S, T>
}
/** Not on the wire; the sentence says from what it is computed. */
export interface Derived {
  readonly fate: 'derived'
  readonly from: string
}
export interface Unused {
  readonly fate: 'unused'
  readonly bytes: number
  /** First version that has the bytes. */
  readonly since: number
  readonly life: UnusedLife
}

/** A part of the state that is sent only when it is needed. Its fields stand in the parent's table, marked `inside`. */
export interface Subsection<S> {
  /** Full name on the wire, beginning with the parent's: "parent/what". */
  readonly name: string
  readonly version: number
  readonly minVersion?: number
  /** First release whose streams had it. */
  readonly born: Release
  /** Release of each version after the first. */
  readonly versions?: Readonly<Record<number, Release>>
  /** The property that switches it off for old machines; without one it must be rare enough for them. */
  readonly gate?: Gate
  /** Why one that is newer than the ledger's release needs no gate. */
  readonly ungated?: string
  /** What `needed` asks, as a sentence. */
  readonly when?: string
  /** Lines that were once in it, by name. */
  readonly dead?: Readonly<Record<string, Dead>>
  /** Earlier names on the wire, each by the release that gave it up. */
  readonly formerly?: Readonly<Record<Release, string>>
  needed(state: S): boolean
  preSave?(state: S): void
  preLoad?(state: S): void
  postLoad?(state: S, version: number): void
  /** For a subsection inside a subsection. */
  readonly parent?: Subsection<S>
}

/**
 * Every key of the state, in wire order; a forgotten key does not compile. Keys are QEMU's field names wherever the
 * field is on the wire, so that the name stands once. Subsection fields stand after the plain ones of their parent.
 */
export type Fields<S> = { readonly [K in keyof S]-?: Field<S, S[K]> | OfAny<S> } & {
  readonly [pad: `unused${string}`]: Unused | Inside<S, never>
}

/** Lets a table of any state take every other: only there may an ordinary key be unused bytes. */
type OfAny<S> = 0 extends 1 & S ? Unused : never

/** The description of a state on the wire. */
export interface VMState<S> {
  readonly name: string
  readonly version: number
  /** Oldest version that can be loaded. */
  readonly minVersion: number
  /** When it and its versions were born, and what died. A field's birth is the nearest of: its own `born`, its version's, its subsection's, this one. */
  readonly life: Life
  readonly fields: Fields<S>
  /** For a description whose whole section is optional. */
  needed?(state: S): boolean
  /** Brings the state into the form that is written. */
  preSave?(state: S): void
  /** Sets what fields and subsections that are not received shall hold. */
  preLoad?(state: S): void
  /** Rebuilds state from state; throws to refuse. Wires and timers belong to the model's afterLoad. */
  postLoad?(state: S, version: number): void
}

/** A description whose state type is not known here. */
export interface AnyVMState {
  readonly name: string
  readonly version: number
  readonly minVersion: number
  readonly life: Life
  readonly fields: object
  needed?(state: unknown): boolean
  preSave?(state: unknown): void
  preLoad?(state: unknown): void
  postLoad?(state: unknown, version: number): void
}

export const since = <T>(version: number, codec: Codec<T>): Since<T> => ({ fate: 'since', version, codec })
export const when = <S, T>(
  sentence: string,
  exists: (state: S, version: number) => boolean,
  codec: Codec<T>,
  gate?: Gate,
): When<S, T> => ({
  fate: 'when',
  sentence,
  exists,
  codec,
  ...(gate === undefined ? {} : { gate }),
})
export const inside = <S, T>(sub: Subsection<S>, field: Inside<S, T>['field']): Inside<S, T> => ({
  fate: 'inside',
  sub,
  field,
})
export const named = <S, T>(name: string, field: Named<S, T>['field']): Named<S, T> => ({ fate: 'named', name, field })
export const derived = (from: string): Derived => ({ fate: 'derived', from })
/** A field with a birth of its own, and what else is to be told of its life. */
export const born = <S, T>(
  release: Release,
  field: Born<S, T>['field'],
  life: Omit<FieldLife<T>, 'born'> = {},
): Born<S, T> => ({ fate: 'born', life: { born: release, ...life }, field })
/** Bytes that hold nothing (any more). `since` is the first version that has them. */
export const unused = (bytes: number, life: UnusedLife, since = 0): Unused => ({ fate: 'unused', bytes, since, life })
