/** A reply that says no, in QEMU's classes. */
export class QmpError extends Error {
  readonly errorClass: 'GenericError' | 'CommandNotFound'

  constructor(message: string, errorClass: QmpError['errorClass'] = 'GenericError') {
    super(message)
    this.name = 'QmpError'
    this.errorClass = errorClass
  }
}
