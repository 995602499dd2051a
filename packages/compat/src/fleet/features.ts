/** Names of processor features across releases. */

/** Spelt otherwise in older releases. */
const RENAMED: Readonly<Record<string, string>> = {
  'arch-facilities': 'arch-capabilities',
  'sse4-1': 'sse4.1',
  'sse4-2': 'sse4.2',
  sse3: 'pni',
  xd: 'nx',
  i64: 'lm',
  ffxsr: 'fxsr-opt',
  pclmuldq: 'pclmulqdq',
}

/** One spelling for every name a release has had for a feature. */
export function featureName(name: string): string {
  const plain = name.replaceAll('_', '-')
  return RENAMED[plain] ?? plain
}

/**
 * Properties of a processor that are no features of a baseline: how QEMU computes CPUID, what follows the accelerator,
 * what is for the guest's own guests, and what stops a migration (invtsc).
 */
const NO_FEATURE = [
  /^(kvm|hv-|vmx-|x-|full-cpuid|legacy-|cpuid-|fill-mtrr|tcg-cpuid|vmware-|host-|start-)/,
  /^(vmx|svm|svme-addr-chk|hypervisor|invtsc|migratable|pmu|l3-cache|enforce|check|lbr-fmt|lmce|realized|hotpluggable)$/,
]

export const inBaseline = (name: string): boolean => !NO_FEATURE.some((no) => no.test(name))
