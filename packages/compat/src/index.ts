export type {
  BoardSection,
  Build,
  BuildBoard,
  BuildDevice,
  BuildMachine,
  BuildRam,
  CompatProperty,
  Condition,
  Schema,
  SchemaField,
  SchemaSubsection,
} from './build.ts'
export { changesBetween, type Change } from './manifest/changes.ts'
export { compareWithFrozen, grouped } from './manifest/check.ts'
export { linesOfPart, manifestOf, partText, visibleLines, type Manifest } from './manifest/manifest.ts'
export { findingText, type Finding } from './manifest/remedy.ts'
