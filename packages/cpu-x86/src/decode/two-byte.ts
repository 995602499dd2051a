/** The 0F map without vectors, and the integer rows of 0F38. SDM vol. 2, tables. */
import { rows } from './rows.ts'

export const TWO_BYTE = rows(`
  0F00/0 sldt Rv/Mw
  0F00/1 str Rv/Mw
  0F00/2 lldt Ew
  0F00/3 ltr Ew
  0F00/4 verr Ew
  0F00/5 verw Ew
  0F01/0:m sgdt M
  0F01/1:m sidt M
  0F01/2:m lgdt M
  0F01/3:m lidt M
  0F01/4 smsw Rv/Mw
  0F01/6 lmsw Ew
  0F01/7:m invlpg M
  0F01=C1 vmcall - ud
  0F01=C8 monitor -
  0F01=C9 mwait -
  0F01=CA clac - ud
  0F01=CB stac - ud
  0F01=D0 xgetbv -
  0F01=D1 xsetbv -
  0F01=D8 vmrun - ud
  0F01=D9 vmmcall - ud
  0F01=DA vmload - ud
  0F01=DB vmsave - ud
  0F01=DC stgi - ud
  0F01=DD clgi - ud
  0F01=DE skinit - ud
  0F01=DF invlpga - ud
  0F01=F8 swapgs - o64
  0F01=F9 rdtscp -
  0F02 lar Gv,Ew
  0F03 lsl Gv,Ew
  0F05 syscall -
  0F06 clts -
  0F07 sysret -
  0F08 invd -
  0F09 wbinvd -
  0F0B ud2 -
  0F0D nop Ev
  0F18 nop Ev
  0F19 nop Ev
  0F1A nop Ev
  0F1B nop Ev
  0F1C nop Ev
  0F1D nop Ev
  0F1E nop Ev
  0F1F nop Ev
  0F20 mov_cr Rr,Cr
  0F21 mov_dr Rr,Dr
  0F22 mov_cr Cr,Rr
  0F23 mov_dr Dr,Rr
  0F30 wrmsr -
  0F31 rdtsc -
  0F32 rdmsr -
  0F33 rdpmc -
  0F34 sysenter -
  0F35 sysexit -
  0F40+cc cmov Gv,Ev
  0F80+cc jcc Jz f64
  0F90+cc setcc Eb
  0FA0 push_seg FS d64 s=v
  0FA1 pop_seg FS d64 s=v
  0FA2 cpuid -
  0FA3 bt Ev,Gv
  0FA4 shld Ev,Gv,Ib
  0FA5 shld Ev,Gv,CL
  0FA8 push_seg GS d64 s=v
  0FA9 pop_seg GS d64 s=v
  0FAA rsm -
  0FAB bts Ev,Gv L
  0FAC shrd Ev,Gv,Ib
  0FAD shrd Ev,Gv,CL
  np 0FAE/0:m fxsave M
  np 0FAE/1:m fxrstor M
  np 0FAE/2:m ldmxcsr Md
  np 0FAE/3:m stmxcsr Md
  np 0FAE/4:m xsave M ud
  np 0FAE/5:m xrstor M ud
  np 0FAE/6:m xsaveopt M ud
  np 0FAE/7:m clflush M
  66 0FAE/6:m clwb M ud
  66 0FAE/7:m clflushopt M ud
  np 0FAE/5:r lfence -
  np 0FAE/6:r mfence -
  np 0FAE/7:r sfence -
  F3 0FAE/0:r rdfsbase Ry o64 ud
  F3 0FAE/1:r rdgsbase Ry o64 ud
  F3 0FAE/2:r wrfsbase Ry o64 ud
  F3 0FAE/3:r wrgsbase Ry o64 ud
  0FAF imul Gv,Ev
  0FB0 cmpxchg Eb,Gb L
  0FB1 cmpxchg Ev,Gv L
  0FB2:m lss Gv,Mv
  0FB3 btr Ev,Gv L
  0FB4:m lfs Gv,Mv
  0FB5:m lgs Gv,Mv
  0FB6 movzx Gv,Eb
  0FB7 movzx Gv,Ew
  F3 0FB8 popcnt Gv,Ev
  0FB9 ud1 Gv,Ev ud
  0FBA/4 bt Ev,Ib
  0FBA/5 bts Ev,Ib L
  0FBA/6 btr Ev,Ib L
  0FBA/7 btc Ev,Ib L
  0FBB btc Ev,Gv L
  0FBC bsf Gv,Ev
  F3 0FBC tzcnt Gv,Ev
  0FBD bsr Gv,Ev
  F3 0FBD lzcnt Gv,Ev
  0FBE movsx Gv,Eb
  0FBF movsx Gv,Ew
  0FC0 xadd Eb,Gb L
  0FC1 xadd Ev,Gv L
  0FC7/1:m cmpxchg8b|cmpxchg16b Mx L
  n6 0FC7/6:r rdrand Rv ud
  n6 0FC7/7:r rdseed Rv ud
  F3 0FC7/7:r rdpid Rr ud
  0FC8+r bswap Zv
  0FFF ud0 Gv,Ev ud
  n6 0F38F0:m movbe Gv,Mv
  n6 0F38F1:m movbe Mv,Gv
  F2 0F38F0 crc32 Gy,Eb
  F2 0F38F1 crc32 Gy,Ev
`)
