/** What the user gave to boot from cannot be booted. */
export class BootError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BootError'
  }
}
