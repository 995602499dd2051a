/** The bus between I/O APICs, local APICs and devices that send MSIs. [SDM] vol. 3, chapter "APIC". */

export const MODE_FIXED = 0
export const MODE_LOWEST = 1
export const MODE_SMI = 2
export const MODE_NMI = 4
export const MODE_INIT = 5
export const MODE_STARTUP = 6
export const MODE_EXTINT = 7

/** The way of interrupt messages. destMode 0 physical, 1 logical; trigger 0 edge, 1 level. */
export interface ApicBus {
  deliver(dest: number, destMode: number, deliveryMode: number, vector: number, trigger: number): void
}

/** What the bus needs of a local APIC. */
export interface ApicOnBus {
  /** True if a message with that destination is for this APIC. */
  matches(dest: number, destMode: number): boolean
  /** Takes a message that is for it. */
  receive(deliveryMode: number, vector: number, trigger: number): void
}

/** A message that leaves a local APIC with a shorthand: 1 self, 2 all, 3 all but self. */
export interface ApicWires extends ApicBus {
  shorthand(from: ApicOnBus, which: number, deliveryMode: number, vector: number, trigger: number): void
  /** A local APIC has finished a level-triggered vector. */
  eoi(vector: number): void
}

export interface ApicSystemBus extends ApicWires {
  /** Adds a local APIC; lowest-priority messages go to the earliest that matches. */
  join(apic: ApicOnBus): void
  /** Adds an I/O APIC, which is told of each EOI of a level-triggered vector. */
  joinIoapic(ioapic: { eoi(vector: number): void }): void
  /** A message-signalled interrupt: a write of 32 bits to 0xfeeXXXXX. [SDM] vol. 3 "Message signalled interrupts" */
  msi(address: number, data: number): void
}

export function apicBus(): ApicSystemBus {
  const apics: ApicOnBus[] = []
  const ioapics: { eoi(vector: number): void }[] = []

  const send = (to: readonly ApicOnBus[], mode: number, vector: number, trigger: number): void => {
    if (mode === MODE_LOWEST) to[0]?.receive(MODE_FIXED, vector, trigger)
    else for (const apic of to) apic.receive(mode, vector, trigger)
  }
  const deliver: ApicBus['deliver'] = (dest, destMode, mode, vector, trigger) => {
    send(
      apics.filter((a) => a.matches(dest, destMode)),
      mode,
      vector,
      trigger,
    )
  }
  return {
    deliver,
    shorthand(from, which, mode, vector, trigger) {
      send(
        apics.filter((a) => (a === from ? which !== 3 : which !== 1)),
        mode,
        vector,
        trigger,
      )
    },
    eoi(vector) {
      for (const ioapic of ioapics) ioapic.eoi(vector)
    },
    join(apic) {
      apics.push(apic)
    },
    joinIoapic(ioapic) {
      ioapics.push(ioapic)
    },
    msi(address, data) {
      deliver((address >>> 12) & 0xff, (address >>> 2) & 1, (data >>> 8) & 7, data & 0xff, (data >>> 15) & 1)
    },
  }
}
