/** Instructions that a model does not have, by the names of their meanings: they raise #UD, or lose their prefix. */
import type { CpuModel } from './models.ts'

const OPS: Readonly<Record<string, string>> = {
  cx8: 'cmpxchg8b',
  cx16: 'cmpxchg16b',
  cmov: 'cmov fcmovb fcmovbe fcmove fcmovnb fcmovnbe fcmovne fcmovnu fcmovu fcomi fcomip fucomi fucomip',
  tsc: 'rdtsc',
  msr: 'rdmsr wrmsr',
  sep: 'sysenter sysexit',
  syscall: 'syscall sysret',
  rdtscp: 'rdtscp',
  monitor: 'monitor mwait',
  clflush: 'clflush',
  fxsr: 'fxsave fxrstor',
  pni: `addsubpd addsubps haddpd haddps hsubpd hsubps lddqu movddup movshdup movsldup fisttp`,
  ssse3: `pshufb phaddw phaddd phaddsw pmaddubsw phsubw phsubd phsubsw psignb psignw psignd pmulhrsw pabsb pabsw pabsd
    palignr`,
  'sse4.1': `pblendvb blendvps blendvpd ptest pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovsxdq movntdqa pmuldq
    pcmpeqq packusdw pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq pminsb pminsd pminuw pminud pmaxsb pmaxsd
    pmaxuw pmaxud pmulld phminposuw roundps roundpd roundss roundsd blendps blendpd pblendw pextrb pextrd pextrq
    extractps pinsrb insertps pinsrd pinsrq dpps dppd mpsadbw`,
  'sse4.2': 'pcmpgtq pcmpestrm pcmpestri pcmpistrm pcmpistri crc32',
  popcnt: 'popcnt',
  movbe: 'movbe',
  abm: 'lzcnt',
  bmi1: 'tzcnt',
}

export function absentOps(model: CpuModel): ReadonlySet<string> {
  const absent = new Set<string>()
  for (const [feature, ops] of Object.entries(OPS)) {
    if (!model.has(feature)) for (const op of ops.split(/\s+/)) absent.add(op)
  }
  return absent
}
