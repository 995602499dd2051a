export * from './codecs.ts'
export * from './field.ts'
export * from './bytes.ts'
export * from './compound.ts'
export { VMStateError, within } from './errors.ts'
export type { VMStateFault } from './errors.ts'
export {
  PartialReader,
  SUBSECTION,
  load,
  loadBytes,
  loadInner,
  loadSection,
  save,
  saveBytes,
  saveInner,
} from './vmstate.ts'
