export type {
  Build,
  BuildDevice,
  BuildMachine,
  CompatProperty,
  Condition,
  Schema,
  SchemaField,
  SchemaSubsection,
} from './build.ts'
