export { BadValue, bool, buffer, equal, i16, i32, i32PositiveLe, i64, i8, timer, u16, u32, u64, u8 } from './codecs.ts'
export { bitmap, pciConfig, pciIrqState, sizedBuffer, str8, text } from './bytes.ts'
export { array, gtree, mapped, pointers, qlist, qtailq, struct, tmp, varray, vstruct } from './compound.ts'
export type { Numbers } from './compound.ts'
export { born, derived, inside, named, since, unused, when } from './field.ts'
export type {
  AnyVMState,
  Born,
  Codec,
  Derived,
  Field,
  Fields,
  Inside,
  Named,
  Shape,
  Since,
  Subsection,
  Unused,
  VMState,
  When,
  Where,
} from './field.ts'
export type { Dead, FieldLife, Gate, Life, Past, PastMeaning, Release, UnusedLife } from './life.ts'
export { VMStateError, readable, within } from './errors.ts'
export type { VMStateFault } from './errors.ts'
export { PartialReader, load, loadBytes, loadInner, loadSection, save, saveBytes, saveInner } from './vmstate.ts'
export { restore, snapshot } from './snapshot.ts'
export type { Snapshot } from './snapshot.ts'
export { describe, describeDevice, descriptionText, inspectState } from './describe.ts'
export { printDescription } from './print.ts'
export type { PrintOptions } from './print.ts'
export { lifeOf } from './ledger.ts'
export { planOf } from './plan.ts'
export type { Level, Line, Plan, PlannedSubsection } from './plan.ts'
export type { LifeLine } from './ledger.ts'
export type { DescribedDevice, DescribedField, DescribedState, NamedValue, StreamDescription } from './describe.ts'
export { COMMANDS, MAGIC, PAGE_SIZE, RAM, RAM_SECTION_VERSION, STREAM_VERSION, TYPE } from './stream/format.ts'
export type {
  CommandName,
  Configuration,
  LiveType,
  PagePlace,
  RamBlockEntry,
  SectionHead,
  StreamElement,
  StreamItem,
} from './stream/format.ts'
export { StreamError, UnknownSections } from './stream/errors.ts'
export type { StreamFault } from './stream/errors.ts'
export { configurationOf, configurationState } from './stream/configuration.ts'
export { applyXbzrle } from './stream/ram.ts'
export { DEFAULT_LIMITS, StreamReader } from './stream/reader.ts'
export type { StreamLimits, StreamReaderOptions } from './stream/reader.ts'
export { StreamWriter } from './stream/writer.ts'
export { parseDescription } from './stream/description.ts'
export { decodeTree, describedDecoder, encodeTree, findDescription } from './stream/generic.ts'
export type { Tree, TreeField, TreeValue } from './stream/generic.ts'
export { inspectStream, readWhole, reportJson, reportText } from './inspect.ts'
export type { BlockReport, ElementReport, StreamReport } from './inspect.ts'
