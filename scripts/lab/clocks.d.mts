export interface Stamp {
  readonly uptime: number
  readonly date: number
  readonly at: number
}
export const TOLERANCE_MS: number
export function timeOf(
  stamps: readonly Stamp[],
  legs: readonly { readonly from: number; readonly stopped: number }[],
  said: { clock?: string; rtc?: { seconds: number; asked: number; told: number } },
): { readonly lost: readonly (number | undefined)[]; readonly faults: readonly string[] }
