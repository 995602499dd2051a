import { DESC } from '../cpu-state.ts'
import { S, SEG } from '../state.ts'

/** Whether ES, CS, SS and DS reach all of 4 GiB from 0 on, with every right that code may make use of. */
export function hasFlatSegments(w: Int32Array): boolean {
  // Code is read through CS now and then: it must be readable without limits as well.
  const code = at(1)
  if (w[code]! !== 0 || w[code + 1]! !== 0 || w[code + LIMIT]! !== -1 || (w[code + FLAGS]! & DESC.code) === 0)
    return false
  return isFlat(w, at(0)) && isFlat(w, at(2)) && isFlat(w, at(3))
}

const at = (i: number): number => (S.seg + i * SEG.size) >> 2
const LIMIT = SEG.limit >> 2
const FLAGS = SEG.flags >> 2
const LOW = SEG.low >> 2
const READ = SEG.highRead >> 2
const WRITE = SEG.highWrite >> 2

function isFlat(w: Int32Array, i: number): boolean {
  return (
    (w[i]! | w[i + 1]! | w[i + LOW]! | w[i + LOW + 1]! | w[i + READ + 1]! | w[i + WRITE + 1]!) === 0 &&
    (w[i + READ]! & w[i + WRITE]!) === -1
  )
}
