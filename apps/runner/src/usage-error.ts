/** What the user asked for cannot be; the message is one line that says what would have been right. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
