/** The suite that every device calls from its test: one call, one test per check. */
import { describe, expect, test } from 'vitest'
import type { DeviceDef, Model } from '../device.ts'
import type { Props, PropValues } from '../prop.ts'
import type { Regs } from '../reg.ts'
import { checks, type CheckOptions } from './checks.ts'
import type { AnyDef, Bench } from './rig.ts'
import type { Rng } from './rng.ts'

export interface ContractOptions<P extends Props, W extends string, M extends Model> {
  readonly props?: Partial<PropValues<P>>
  /**
   * One random access of a guest, in place of the built-in one over `model.io`: for devices whose commands random
   * bytes would never hit. Time passes and inputs change without it. It must use no chance but `rng`.
   */
  storm?(rng: Rng, model: M, bench: Bench): void
  /** What a board would do after building: links between chips. */
  connect?(model: M, bench: Bench): void
  /** Register tables to touch; default `[model.io]`. */
  io?(model: M): readonly Regs[]
  /** Output wires that must move in the storm. */
  readonly wires?: readonly W[]
  /** Keys of the state that may differ after loading, because they are computed when they are needed. */
  readonly lazy?: readonly string[]
  /** How many moments are saved and loaded; default 100. */
  readonly moments?: number
  readonly seed?: number
}

export function deviceContract<S, P extends Props, W extends string, M extends Model>(
  def: DeviceDef<S, P, W, M>,
  options: ContractOptions<P, W, M> = {},
): void {
  describe(`${def.type} keeps the device contract: it`, () => {
    for (const [sentence, check] of Object.entries(checks)) {
      test(sentence, () => {
        expect(check(def as AnyDef, options as unknown as CheckOptions)).toEqual([])
      })
    }
  })
}
