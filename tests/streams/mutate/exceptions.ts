/** What QEMU, too, accepts and writes back otherwise. */
import type { Difference } from './compare.ts'

interface Exception {
  readonly section: RegExp
  readonly kind: Difference['kind']
  readonly path: RegExp
  readonly reason: string
  /** Whether the difference is the one that is meant. */
  meant?(d: Difference): boolean
}

/** Seconds to year, century and register C: what an RTC writes of the present moment. */
const RTC_TIME = [0, 2, 4, 6, 7, 8, 9, 0x32]

export const EXCEPTIONS: readonly Exception[] = [
  {
    section: /^mc146818rtc$/,
    kind: 'value',
    path: /^cmos_data$/,
    reason: 'the time registers are those of the moment of saving',
    meant: (d) => d.came.every((b, i) => b === d.kept[i] || RTC_TIME.includes(i)),
  },
  {
    section: /^/,
    kind: 'value',
    path: /(^|[.>])unused(\[\d+\])?$/,
    reason: 'bytes that mean nothing any more are written as zeroes',
  },
  {
    section: /piix4_pm$/,
    kind: 'added',
    path: /^<piix4_pm\/cpuhp>$/,
    reason: 'the processor hotplug registers are the modern ones from the start, as in 11.1',
  },
  {
    section: /^mc146818rtc$/,
    kind: 'value',
    path: /^(period|periodic_timer|next_periodic_time|irq_coalesced|update_timer|next_alarm_time)$/,
    reason:
      "the period follows from the registers, and a tick farther away than two hosts' clocks differ is planned anew",
  },
  {
    section: /^cpu_common$/,
    kind: 'value',
    path: /^interrupt_request$/,
    reason: "requests to the sender's run loop are dropped; that of the controllers is their output's level",
    meant: (d) => ((u32(d.came) ^ u32(d.kept)) & ~0x20b7) === 0,
  },
  { section: /^cpu$/, kind: 'value', path: /^env\.hflags$/, reason: 'derived from the registers' },
  {
    section: /^cpu$/,
    kind: 'value',
    path: /^env\.fptag_vmstate$/,
    reason: 'eight tags in the low byte',
    meant: (d) => d.came[1] === d.kept[1],
  },
  {
    section: /^cpu$/,
    kind: 'value',
    path: /^env\.segs\[\d\]\.flags$/,
    reason: 'real mode has no privilege levels',
    meant: (d) => ((u32(d.came) ^ u32(d.kept)) & ~0x6000) === 0,
  },
  {
    section: /^ps2(kbd|mouse)$/,
    kind: 'value',
    path: /queue\.([rwc]+ptr|count)$|^<ps2kbd\/command_reply_queue>/,
    reason: 'pointers of the queue follow from its first byte and its length, and these are kept in bounds',
  },
  { section: /^pckbd$/, kind: 'value', path: /^kbd\.pending_tmp$/, reason: 'flags that mean nothing are cleared' },
  { section: /^hpet$/, kind: 'value', path: /^hpet_counter$/, reason: 'the counter is that of the moment of saving' },
  {
    section: /^i8254$/,
    kind: 'value',
    path: /^channels\[\d\]\.next_transition_time$/,
    reason: 'it is sent twice for counter 0; the second one counts',
  },
  {
    section: /\/ide$/,
    kind: 'value',
    path: /^bmdma\[?\d?\]?\.migration_compat_status$/,
    reason: 'it is the status without the bits that were once misused',
  },
  {
    section: /^/,
    kind: 'added',
    path: /<(fw_cfg\/acpi_mr|fw_cfg\/dma|ide_drive\/pio_state|ide bmdma\/status|fdrive\/media_rate|hpet\/offset|cpu\/poll_control_msr|pckbd\/extended_state|piix4_pm\/.*)>$/,
    reason: 'what a subsection that was left out holds is sent in one',
  },
  {
    section: /^/,
    kind: 'dropped',
    path: /^<(fw_cfg\/acpi_mr|hpet\/offset|cpu\/\w+)>$/,
    reason: 'a subsection that holds what it would without one is not sent',
  },
]

const u32 = (b: Uint8Array): number => Buffer.from(b).readUInt32BE()

export const exceptionFor = (idstr: string, d: Difference): string | undefined =>
  EXCEPTIONS.find((e) => e.section.test(idstr) && e.kind === d.kind && e.path.test(d.path) && (e.meant?.(d) ?? true))
    ?.reason
