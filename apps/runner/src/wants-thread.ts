/** A guess from the command line alone whether there will be a machine on a thread: what it gets wrong costs time, and nothing else. */
export const wantsThread = (args: readonly string[]): boolean =>
  (args[0] === 'run' || args[0]?.startsWith('-') === true) && !args.some((a) => OTHERWISE.test(a))

const OTHERWISE = /^(-h|--help|--?version)$|\bthread=off\b/
