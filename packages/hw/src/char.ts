/** A byte terminal as a serial port sees it. */
export interface Char {
  /** Bytes the guest sent. */
  write(data: Uint8Array): void
  /** Set by the device: bytes for the guest; returns how many it took. */
  onData: ((data: Uint8Array) => number) | undefined
  /** Called by the device when it can take more. */
  ready(): void
}

/** A terminal nobody looks at. */
export const nullChar = (): Char => ({ write: () => undefined, onData: undefined, ready: () => undefined })
