/**
 * The release calendar: when each QEMU release came out, and when the next ones are due. Machine versions are named
 * after releases and age by them.
 */

export interface Release {
  /** "11.1". */
  readonly version: string
  /** Day of general availability, "2026-08-11"; of a planned release the middle of the month it is due. */
  readonly date: string
  /** Not out yet: its rows may still change. */
  readonly planned: boolean
}

const DATES: Readonly<Record<string, string>> = {
  '2.4': '2015-08-11',
  '2.5': '2015-12-16',
  '2.6': '2016-05-11',
  '2.7': '2016-09-02',
  '2.8': '2016-12-20',
  '2.9': '2017-04-20',
  '2.10': '2017-08-30',
  '2.11': '2017-12-13',
  '2.12': '2018-04-24',
  '3.0': '2018-08-14',
  '3.1': '2018-12-11',
  '4.0': '2019-04-23',
  '4.1': '2019-08-15',
  '4.2': '2019-12-12',
  '5.0': '2020-04-28',
  '5.1': '2020-08-11',
  '5.2': '2020-12-08',
  '6.0': '2021-04-29',
  '6.1': '2021-08-24',
  '6.2': '2021-12-14',
  '7.0': '2022-04-19',
  '7.1': '2022-08-30',
  '7.2': '2022-12-13',
  '8.0': '2023-04-19',
  '8.1': '2023-08-22',
  '8.2': '2023-12-19',
  '9.0': '2024-04-23',
  '9.1': '2024-09-03',
  '9.2': '2024-12-10',
  '10.0': '2025-04-22',
  '10.1': '2025-08-26',
  '10.2': '2025-12-23',
  '11.0': '2026-04-21',
  '11.1': '2026-08-11',
}

const RELEASES_A_YEAR = 3
const MONTHS = ['04', '08', '12']
/** Major versions are raised every year since 3.0: 11 is that of 2026. */
const YEAR_OF_MAJOR_0 = 2015
const PLANNED = ['11.2', '12.0', '12.1', '12.2', '13.0']

/** Oldest first. */
export const releases: readonly Release[] = [
  ...Object.entries(DATES).map(([version, date]) => ({ version, date, planned: false })),
  ...PLANNED.map((version) => ({ version, date: dueDate(version), planned: true })),
]

/** A name that is neither a release nor a date. */
export class CalendarError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CalendarError'
  }
}

/** Sorts "2.10" after "2.9", and "4.0.1" between "4.0" and "4.1". Negative when a is older. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [numbersOf(a), numbersOf(b)]
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const isVersion = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){1,2}$/.test(text)
/** Date.parse takes 30 February, as 2 March. */
const isDate = (text: string): boolean => {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined
  return day !== undefined && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

/** "4.0.1" → "4.0": the micro number plays no part in the calendar. */
export const minorOf = (version: string): string => numbersOf(version).slice(0, 2).join('.')

/** Day on which a release came or will come out. Works beyond the calendar's end. */
export function dateOf(version: string): string {
  const minor = minorOf(version)
  return releases.find((r) => r.version === minor)?.date ?? dueDate(minor)
}

/** The newest release that is out, today or on another day ("2026-11-22"). */
export function newestRelease(day?: string): Release {
  if (day !== undefined && !isDate(day)) throw new CalendarError(`"${day}": expected a date such as 2026-11-22`)
  const out = releases.filter((r) => (day === undefined ? !r.planned : r.date <= day))
  const newest = out.at(-1)
  if (newest === undefined) throw new CalendarError(`no release was out on ${day}; the calendar begins 2015-08-11`)
  return newest
}

/** A release, or the release that is newest on a day: "11.2" and "2027-01-01" both mean 11.2. */
export function releaseAt(releaseOrDate: string): string {
  if (isVersion(releaseOrDate)) return releaseOrDate
  if (!isDate(releaseOrDate)) {
    throw new CalendarError(`"${releaseOrDate}": expected a release such as 11.2 or a date such as 2026-11-22`)
  }
  const last = releases.at(-1)!
  if (releaseOrDate < last.date) return newestRelease(releaseOrDate).version
  let version = last.version
  while (dueDate(nextRelease(version)) <= releaseOrDate) version = nextRelease(version)
  return version
}

/** "11.1" → "11.2" → "12.0". In the days of 2.x and 3.x years had other numbers; those come from the calendar. */
export function nextRelease(version: string): string {
  const minor = minorOf(version)
  const known = releases.findIndex((r) => r.version === minor)
  if (known >= 0 && known + 1 < releases.length) return releases[known + 1]!.version
  const [major, small] = numbersOf(minor) as [number, number]
  return small + 1 < RELEASES_A_YEAR ? `${major}.${small + 1}` : `${major + 1}.0`
}

function dueDate(version: string): string {
  const [major, minor] = numbersOf(version) as [number, number]
  return `${YEAR_OF_MAJOR_0 + major}-${MONTHS[Math.min(minor, RELEASES_A_YEAR - 1)]!}-15`
}

function numbersOf(version: string): number[] {
  const numbers = version.split('.').map(Number)
  if (numbers.some((n) => !Number.isInteger(n)) || numbers.length < 2) {
    throw new CalendarError(`"${version}": expected a version such as 11.2 or 4.0.1`)
  }
  return numbers
}
