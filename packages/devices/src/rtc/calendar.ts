/** The calendar bytes of the MC146818A: BCD or binary, 12 or 24 hours, and the time until the alarm. */
import { fromBcd, toBcd } from '@godwit/bits'

export const REG_A = 0x0a // divider and periodic rate
export const REG_B = 0x0b // enables and formats
export const REG_C = 0x0c // interrupt flags; reading clears them
export const REG_D = 0x0d // valid RAM and time
export const SET = 0x80 // B: the guest sets the time, updates stop
const BINARY = 0x04 // B: DM
const HOURS_24 = 0x02 // B: 24/12
const SECONDS = 0x00
const SECONDS_ALARM = 0x01
const MINUTES = 0x02
const MINUTES_ALARM = 0x03
const HOURS = 0x04
const HOURS_ALARM = 0x05
const WEEKDAY = 0x06
const DAY = 0x07
const MONTH = 0x08
const YEAR = 0x09
export const CENTURY = 0x32
export const CENTURY_PS2 = 0x37
const PM = 0x80
/** Alarm bytes from 0xc0 on match every value. [MC146818A] "Alarm" */
const ANY = 0xc0
export const SECOND = 1_000_000_000n
const DAY_SECONDS = 86400

export const isCalendar = (index: number): boolean =>
  index === SECONDS || index === MINUTES || index === HOURS || (index >= WEEKDAY && index <= YEAR) || index === CENTURY

export const isAlarm = (index: number): boolean =>
  index === SECONDS_ALARM || index === MINUTES_ALARM || index === HOURS_ALARM

function encode(cmos: Uint8Array, value: number): number {
  return cmos[REG_B]! & BINARY ? value & 0xff : toBcd(value)
}

function decode(cmos: Uint8Array, byte: number): number {
  return cmos[REG_B]! & BINARY ? byte : fromBcd(byte)
}

function decodeHour(cmos: Uint8Array, byte: number): number {
  if (cmos[REG_B]! & HOURS_24) return decode(cmos, byte)
  const hour = decode(cmos, byte & 0x7f) % 12
  return byte & PM ? hour + 12 : hour
}

/** Writes the calendar bytes for seconds since 1970. */
export function writeCalendar(cmos: Uint8Array, seconds: bigint, baseYear: number): void {
  // a Date reaches to the year 275760
  const date = new Date(Number(seconds < 0n ? 0n : seconds > 8_640_000_000_000n ? 8_640_000_000_000n : seconds) * 1000)
  const hour = date.getUTCHours()
  cmos[SECONDS] = encode(cmos, date.getUTCSeconds())
  cmos[MINUTES] = encode(cmos, date.getUTCMinutes())
  if (cmos[REG_B]! & HOURS_24) cmos[HOURS] = encode(cmos, hour)
  else cmos[HOURS] = encode(cmos, hour % 12 === 0 ? 12 : hour % 12) | (hour >= 12 ? PM : 0)
  cmos[WEEKDAY] = encode(cmos, date.getUTCDay() + 1)
  cmos[DAY] = encode(cmos, date.getUTCDate())
  cmos[MONTH] = encode(cmos, date.getUTCMonth() + 1)
  const year = date.getUTCFullYear() - baseYear
  cmos[YEAR] = encode(cmos, ((year % 100) + 100) % 100)
  cmos[CENTURY] = encode(cmos, (((year - (((year % 100) + 100) % 100)) / 100 + 256) & 0xff) % 100)
}

/** Seconds since 1970 of the calendar bytes; days and months out of range carry over. */
export function readCalendar(cmos: Uint8Array, baseYear: number): bigint {
  const year = decode(cmos, cmos[YEAR]!) + baseYear + decode(cmos, cmos[CENTURY]!) * 100
  const date = new Date(0)
  date.setUTCFullYear(year, decode(cmos, cmos[MONTH]!) - 1, decode(cmos, cmos[DAY]!))
  date.setUTCHours(decodeHour(cmos, cmos[HOURS]!), decode(cmos, cmos[MINUTES]!), decode(cmos, cmos[SECONDS]!))
  return BigInt(date.getTime() / 1000)
}

/** Seconds from the time in the calendar bytes to the alarm, 1 to 86400. */
export function alarmSeconds(cmos: Uint8Array): bigint {
  const wanted = (index: number, hour = false): number | null => {
    const byte = cmos[index]!
    return byte >= ANY ? null : hour ? decodeHour(cmos, byte) : decode(cmos, byte)
  }
  const second = wanted(SECONDS_ALARM)
  const minute = wanted(MINUTES_ALARM)
  const hour = wanted(HOURS_ALARM, true)
  const now = decodeHour(cmos, cmos[HOURS]!) * 3600 + decode(cmos, cmos[MINUTES]!) * 60 + decode(cmos, cmos[SECONDS]!)
  const at = nextMatch((((now + 1) % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS, hour, minute, second)
  if (at === null) return BigInt(DAY_SECONDS)
  return BigInt(((((at - now - 1) % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS) + 1)
}

/** The first second of the day from `from` on, around midnight, that matches; null if none can. */
function nextMatch(from: number, hour: number | null, minute: number | null, second: number | null): number | null {
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return null
  const [h0, m0, s0] = [Math.floor(from / 3600), Math.floor(from / 60) % 60, from % 60]
  for (let i = 0; i <= 24; i++) {
    const h = (h0 + i) % 24
    if (hour !== null && h !== hour) continue
    for (let m = i === 0 ? m0 : 0; m < 60; m++) {
      if (minute !== null && m !== minute) continue
      const least = i === 0 && m === m0 ? s0 : 0
      const s = second ?? least
      if (s >= least) return h * 3600 + m * 60 + s
    }
  }
  return null
}
