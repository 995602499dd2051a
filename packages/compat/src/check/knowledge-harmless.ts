/** Differences of the layout that were looked into and do no harm, by path. */
const GLOBALSTATE = 'the tail of the name is always nought, and nought in the new bytes means an older sender'

export const HARMLESS: Readonly<Record<string, string>> = {
  'globalstate.runstate': GLOBALSTATE,
  'globalstate.has_vm_was_suspended': GLOBALSTATE,
  'globalstate.vm_was_suspended': GLOBALSTATE,
  'globalstate.unused': GLOBALSTATE,
}
