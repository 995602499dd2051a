/** Names of what the software path of SSE arithmetic can do, and their numbers in generated code. */
const KINDS = ['ps', 'pd', 'ss', 'sd']
const family = (names: string): string[] => names.split(' ').flatMap((n) => KINDS.map((k) => n + k))

export const SOFT_CODES: readonly string[] = [
  ...family('add sub mul div min max sqrt cmp round rcp rsqrt'),
  'comiss',
  'comisd',
  'ucomiss',
  'ucomisd',
  'haddps',
  'haddpd',
  'hsubps',
  'hsubpd',
  'addsubps',
  'addsubpd',
  'dpps',
  'dppd',
  ...['cvtsi2ss', 'cvtsi2sd', 'cvtss2si', 'cvtsd2si', 'cvttss2si', 'cvttsd2si'].flatMap((n) => [`${n}32`, `${n}64`]),
  ...'cvtss2sd cvtsd2ss cvtps2pd cvtpd2ps cvtdq2ps cvtdq2pd cvtps2dq cvttps2dq cvtpd2dq cvttpd2dq'.split(' '),
  ...'cvtpi2ps cvtpi2pd cvtps2pi cvttps2pi cvtpd2pi cvttpd2pi'.split(' '),
]

export function softCode(name: string): number {
  const code = SOFT_CODES.indexOf(name)
  if (code < 0) throw new Error(`no software path for ${name}`)
  return code
}
