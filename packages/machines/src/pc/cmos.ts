/** What the board tells firmware through CMOS memory: sizes of memory, drives, boot order. */

export interface Cmos {
  setCmos(index: number, value: number): void
}

/** @param memory RAM in all, and below 4 GiB, in bytes */
export function fillCmos(rtc: Cmos, memory: { ramBytes: number; low: number }): void {
  const word = (index: number, value: number): void => {
    rtc.setCmos(index, value & 0xff)
    rtc.setCmos(index + 1, (value >> 8) & 0xff)
  }
  const KIB = 1024
  const MIB = KIB * KIB
  word(0x15, 640)
  const extended = Math.min(0xffff, Math.max(0, memory.low / KIB - 1024))
  word(0x17, extended)
  word(0x30, extended)
  word(0x34, Math.min(0xffff, Math.max(0, (memory.low - 16 * MIB) / (64 * KIB))))
  const above = (memory.ramBytes - memory.low) / (64 * KIB)
  rtc.setCmos(0x5b, above & 0xff)
  rtc.setCmos(0x5c, (above >> 8) & 0xff)
  rtc.setCmos(0x5d, (above >> 16) & 0xff)
  rtc.setCmos(0x5f, 0) // processors beyond the first
  rtc.setCmos(0x10, 0) // no floppy drives
  rtc.setCmos(0x14, 0x06) // equipment: FPU, PS/2 mouse
  rtc.setCmos(0x38, 0x30) // boot order, third device; floppy check on
  rtc.setCmos(0x3d, 0x21) // first and second
}
