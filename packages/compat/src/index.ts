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
export {
  baseline,
  type Baseline,
  type BaselineCpu,
  type BaselineMachine,
  type BaselineOptions,
} from './fleet/baseline.ts'
export { godwitHost } from './fleet/godwit-host.ts'
export { HostError, parseHost, type Host, type HostCpu, type HostMachine } from './fleet/host.ts'
export { planUpgrade, type UpgradePlan, type UpgradeStage } from './fleet/upgrade.ts'
export { checkRows, rowFindingText, type RowFinding, type RowWorld } from './rows/check.ts'
export { freeze, isFrozen, linesOf, type Frozen, type FrozenRow } from './rows/frozen.ts'
export { holdersOf, missedBy, ourDevices, textOf, type OurDevice } from './rows/our-devices.ts'
export { presentWorld } from './rows/world.ts'
export { ChangeRefused, setDefault, type DefaultChange, type DefaultEdit, type Sources } from './rows/set-default.ts'
export {
  parseChange,
  PlanRefused,
  type BackportPlan,
  type PlannedMachine,
  type PlannedRow,
  type PlanWorld,
  type ProposedChange,
} from './planner/plan.ts'
export { planBackport } from './planner/plan-backport.ts'
export { planText, rowText } from './planner/plan-text.ts'
export {
  checkLedger,
  freezeLedger,
  ledgerFindingText,
  type FrozenLedger,
  type LedgerFinding,
  type LedgerWorld,
} from './ledger/check.ts'
export { deletionsOf, machinesOf, oldestMachine, releaseDate } from './ledger/calendar.ts'
export { free, verdictOf, type Reason, type Reclaim, type SlotVerdict } from './ledger/free.ts'
export { ledgerOfHistory, parseHistory, type HistoryEntry } from './ledger/history.ts'
export {
  ledgerOf,
  merged,
  lineName,
  type Ledger,
  type LedgerGate,
  type LedgerLine,
  type LedgerPast,
} from './ledger/ledger.ts'
export { ourDescriptions, ourLedger, wholeLedger } from './ledger/our-ledger.ts'
export { why, whyOf, type Found, type Why } from './ledger/why.ts'
export { check, checkBoth, machineOf, type BothDirections, type BothOptions, type CheckOptions } from './check/check.ts'
export { nameOf as nameOfBuild } from './check/resolve.ts'
export { bySeverity, KINDS, worstOf, type Verdict as HopVerdict, type VerdictKind } from './check/verdict.ts'
export { godwitBuild, schemaOf } from './godwit-build.ts'
export { matrix, type Matrix, type MatrixCell, type MatrixMachine, type MatrixOptions } from './matrix.ts'
export { matrixHtml } from './matrix-html.ts'
export { matrixText, verdictText } from './matrix-text.ts'
export { BuildError, parseBuild } from './qemu-build.ts'
export { lintSections, lintText, type LintFinding } from './lint/lint.ts'
