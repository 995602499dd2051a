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
