/** A value that a user or a machine version sets; its default is the newest behaviour. */
export interface Prop<T> {
  readonly default: T
  readonly doc: string
  /** Reads the value from text; throws a RangeError that says what would have been right. */
  parse(text: string): T
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Props = Readonly<Record<string, Prop<any>>>
export type PropValues<P extends Props> = { readonly [K in keyof P]: P[K] extends Prop<infer T> ? T : never }

export const num = (initial: number, doc: string): Prop<number> => ({
  default: initial,
  doc,
  parse(text) {
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value)) throw new RangeError(`expected a number, came "${text}"`)
    return value
  },
})

export const flag = (initial: boolean, doc: string): Prop<boolean> => ({
  default: initial,
  doc,
  parse(text) {
    if (text === 'on' || text === 'true' || text === 'yes') return true
    if (text === 'off' || text === 'false' || text === 'no') return false
    throw new RangeError(`expected on or off, came "${text}"`)
  },
})

export const text = (initial: string, doc: string): Prop<string> => ({ default: initial, doc, parse: (t) => t })

export const oneOf = <const T extends string>(values: readonly T[], initial: NoInfer<T>, doc: string): Prop<T> => ({
  default: initial,
  doc,
  parse(t) {
    const found = values.find((v) => v === t)
    if (found === undefined) throw new RangeError(`expected ${values.join(' or ')}, came "${t}"`)
    return found
  },
})

/** The defaults of all properties. */
export function defaultsOf<P extends Props>(props: P): PropValues<P> {
  return Object.fromEntries(Object.entries(props).map(([k, p]) => [k, p.default as unknown])) as PropValues<P>
}
