/** The QEMU whose monitor is spoken: what a client may expect. */
export const VERSION = '10.0.0'

/** What query-version says about the program itself. */
export const PACKAGE = 'Godwit 0.0.0'
