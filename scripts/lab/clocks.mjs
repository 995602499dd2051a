/** Does the guest's time agree with ours? It stands still while the guest moves, and goes on as wall time does otherwise. */

/** Clocks that count by themselves; a guest that counts timer interrupts loses those that a busy host brings too late. */
const TRUE_CLOCKS = ['tsc', 'hpet', 'acpi_pm']
/** How much more or less than the downtime a guest's time may be behind after a move, in ms. */
export const TOLERANCE_MS = 400
/** A guest calibrates its TSC by the clock of a busy host. */
const RATE_TOLERANCE = 0.02
/** The guest reads its date this much after its uptime, at most, in s. */
const BETWEEN_READS_S = 0.6
const RTC_TOLERANCE_S = 1

/** Wall time less uptime in ms, as small as it was seen between two moves: a line may come late, never early. */
const behind = (stamps) => Math.min(...stamps.map((s) => s.at - s.uptime * 1000))

/**
 * @param {{uptime: number, date: number, at: number}[]} stamps
 * @param {{from: number, stopped: number}[]} legs where in `stamps` each process begins, and for how many ms the guest stood
 *   still on its way there
 * @returns {{ lost: (number | undefined)[], faults: string[] }} guest time lost at each move, in ms
 */
export function timeOf(stamps, legs, { clock, rtc }) {
  const faults = []
  const parts = legs.map(({ from }, i) => stamps.slice(from, legs[i + 1]?.from))
  const lost = legs.slice(1).map((leg, i) => {
    const [a, b] = [parts[i], parts[i + 1]]
    if (a.length === 0 || b.length === 0) return undefined
    const ms = behind(b) - behind(a)
    const span = b.at(-1).at - a[0].at
    if (TRUE_CLOCKS.includes(clock) && Math.abs(ms - leg.stopped) > TOLERANCE_MS + span * RATE_TOLERANCE) {
      faults.push(`move ${i + 1}: the guest's clock lost ${Math.round(ms)} ms and stood still for ${leg.stopped} ms`)
    }
    return Math.round(ms)
  })
  // the date may be read late, never early: the smallest difference of each stay is within a second of the true one
  const offsets = parts
    .map((part) => part.filter((s) => s.date > 0).map((s) => s.date - s.uptime))
    .filter((list) => list.length > 0)
    .map((list) => Math.min(...list))
  const apart = Math.max(...offsets) - Math.min(...offsets)
  if (offsets.length > 0 && apart > 1 + BETWEEN_READS_S) {
    faults.push(`the guest's date and its uptime went apart by ${apart.toFixed(1)} s`)
  }
  if (rtc !== undefined && Number.isFinite(rtc.seconds)) {
    const early = rtc.asked / 1000 - rtc.seconds - 1
    const late = rtc.seconds - rtc.told / 1000
    if (Math.max(early, late) > RTC_TOLERANCE_S) {
      faults.push(`the guest's RTC says ${rtc.seconds}, our clock said ${Math.floor(rtc.asked / 1000)}`)
    }
  }
  return { lost, faults }
}

/** How fast guest time ran in each process, wall time being 1; `until`: where it stood still for a while. */
export function rates(stamps, legs) {
  return legs.flatMap(({ peer, from, until }, i) => {
    const [a, b] = [stamps[from], stamps[(until ?? legs[i + 1]?.from ?? stamps.length) - 1]]
    if (a === undefined || b === undefined || a === b) return []
    return [{ peer, rate: Number((((b.uptime - a.uptime) * 1000) / (b.at - a.at)).toFixed(3)), ms: b.at - a.at }]
  })
}
