/** MMX, SSE to SSE4.2. SDM vol. 2, tables. */
import { rows } from './rows.ts'

const four = (opcode: string, name: string): string =>
  `np 0F${opcode} ${name}ps Vo,Wo
   66 0F${opcode} ${name}pd Vo,Wo
   F3 0F${opcode} ${name}ss Vo,Wd
   F2 0F${opcode} ${name}sd Vo,Wq`
const two = (opcode: string, name: string): string =>
  `np 0F${opcode} ${name}ps Vo,Wo
   66 0F${opcode} ${name}pd Vo,Wo`
/** Integer operations on both register files, in the order of their opcodes; - leaves one out. */
const both = (map: string, first: number, names: string): string =>
  names
    .trim()
    .split(/\s+/)
    .map((name, i) => {
      const opcode = (first + i).toString(16).toUpperCase().padStart(2, '0')
      return name === '-' ? '' : `mx ${map}${opcode} ${name} Pq,Qq`
    })
    .join('\n')
const xmm = (map: string, first: number, names: string, source = 'Wo', tail = ''): string =>
  names
    .trim()
    .split(/\s+/)
    .map((name, i) => {
      const opcode = (first + i).toString(16).toUpperCase().padStart(2, '0')
      return name === '-' ? '' : `66 ${map}${opcode} ${name} Vo,${source}${tail}`
    })
    .join('\n')

export const VECTOR = rows(
  `np 0F10 movups Vo,Wo
  66 0F10 movupd Vo,Wo
  F3 0F10 movss Vo,Wd
  F2 0F10 movsd Vo,Wq
  np 0F11 movups Wo,Vo
  66 0F11 movupd Wo,Vo
  F3 0F11 movss Wd,Vo
  F2 0F11 movsd Wq,Vo
  np 0F12:m movlps Vo,Mq
  np 0F12:r movhlps Vo,Uo
  66 0F12:m movlpd Vo,Mq
  F3 0F12 movsldup Vo,Wo
  F2 0F12 movddup Vo,Wq
  np 0F13:m movlps Mq,Vo
  66 0F13:m movlpd Mq,Vo
  ${two('14', 'unpckl')}
  ${two('15', 'unpckh')}
  np 0F16:m movhps Vo,Mq
  np 0F16:r movlhps Vo,Uo
  66 0F16:m movhpd Vo,Mq
  F3 0F16 movshdup Vo,Wo
  np 0F17:m movhps Mq,Vo
  66 0F17:m movhpd Mq,Vo
  ${two('28', 'mova')}
  np 0F29 movaps Wo,Vo
  66 0F29 movapd Wo,Vo
  np 0F2A cvtpi2ps Vo,Qq
  66 0F2A cvtpi2pd Vo,Qq
  F3 0F2A cvtsi2ss Vo,Ey
  F2 0F2A cvtsi2sd Vo,Ey
  np 0F2B:m movntps Mo,Vo
  66 0F2B:m movntpd Mo,Vo
  np 0F2C cvttps2pi Pq,Wq
  66 0F2C cvttpd2pi Pq,Wo
  F3 0F2C cvttss2si Gy,Wd
  F2 0F2C cvttsd2si Gy,Wq
  np 0F2D cvtps2pi Pq,Wq
  66 0F2D cvtpd2pi Pq,Wo
  F3 0F2D cvtss2si Gy,Wd
  F2 0F2D cvtsd2si Gy,Wq
  np 0F2E ucomiss Vo,Wd
  66 0F2E ucomisd Vo,Wq
  np 0F2F comiss Vo,Wd
  66 0F2F comisd Vo,Wq
  np 0F50:r movmskps Gd,Uo
  66 0F50:r movmskpd Gd,Uo
  ${four('51', 'sqrt')}
  np 0F52 rsqrtps Vo,Wo
  F3 0F52 rsqrtss Vo,Wd
  np 0F53 rcpps Vo,Wo
  F3 0F53 rcpss Vo,Wd
  ${two('54', 'and')}
  ${two('55', 'andn')}
  ${two('56', 'or')}
  ${two('57', 'xor')}
  ${four('58', 'add')}
  ${four('59', 'mul')}
  np 0F5A cvtps2pd Vo,Wq
  66 0F5A cvtpd2ps Vo,Wo
  F3 0F5A cvtss2sd Vo,Wd
  F2 0F5A cvtsd2ss Vo,Wq
  np 0F5B cvtdq2ps Vo,Wo
  66 0F5B cvtps2dq Vo,Wo
  F3 0F5B cvttps2dq Vo,Wo
  ${four('5C', 'sub')}
  ${four('5D', 'min')}
  ${four('5E', 'div')}
  ${four('5F', 'max')}
  mx 0F60 punpcklbw Pq,Qd
  mx 0F61 punpcklwd Pq,Qd
  mx 0F62 punpckldq Pq,Qd
  ${both('0F', 0x63, 'packsswb pcmpgtb pcmpgtw pcmpgtd packuswb punpckhbw punpckhwd punpckhdq packssdw')}
  ${xmm('0F', 0x6c, 'punpcklqdq punpckhqdq')}
  np 0F6E movd|movq Pq,Ey
  66 0F6E movd|movq Vo,Ey
  np 0F6F movq Pq,Qq
  66 0F6F movdqa Vo,Wo
  F3 0F6F movdqu Vo,Wo
  np 0F70 pshufw Pq,Qq,Ib
  66 0F70 pshufd Vo,Wo,Ib
  F3 0F70 pshufhw Vo,Wo,Ib
  F2 0F70 pshuflw Vo,Wo,Ib
  mx 0F71/2:r psrlw Nq,Ib
  mx 0F71/4:r psraw Nq,Ib
  mx 0F71/6:r psllw Nq,Ib
  mx 0F72/2:r psrld Nq,Ib
  mx 0F72/4:r psrad Nq,Ib
  mx 0F72/6:r pslld Nq,Ib
  mx 0F73/2:r psrlq Nq,Ib
  66 0F73/3:r psrldq Uo,Ib
  mx 0F73/6:r psllq Nq,Ib
  66 0F73/7:r pslldq Uo,Ib
  ${both('0F', 0x74, 'pcmpeqb pcmpeqw pcmpeqd')}
  np 0F77 emms -
  66 0F7C haddpd Vo,Wo
  F2 0F7C haddps Vo,Wo
  66 0F7D hsubpd Vo,Wo
  F2 0F7D hsubps Vo,Wo
  np 0F7E movd|movq Ey,Pq
  66 0F7E movd|movq Ey,Vo
  F3 0F7E movq Vo,Wq
  np 0F7F movq Qq,Pq
  66 0F7F movdqa Wo,Vo
  F3 0F7F movdqu Wo,Vo
  np 0FC2 cmpps Vo,Wo,Ib
  66 0FC2 cmppd Vo,Wo,Ib
  F3 0FC2 cmpss Vo,Wd,Ib
  F2 0FC2 cmpsd Vo,Wq,Ib
  np 0FC3:m movnti My,Gy
  np 0FC4 pinsrw Pq,Rd/Mw,Ib
  66 0FC4 pinsrw Vo,Rd/Mw,Ib
  np 0FC5:r pextrw Gd,Nq,Ib
  66 0FC5:r pextrw Gd,Uo,Ib
  np 0FC6 shufps Vo,Wo,Ib
  66 0FC6 shufpd Vo,Wo,Ib
  66 0FD0 addsubpd Vo,Wo
  F2 0FD0 addsubps Vo,Wo
  ${both('0F', 0xd1, 'psrlw psrld psrlq paddq pmullw')}
  66 0FD6 movq Wq,Vo
  F3 0FD6:r movq2dq Vo,Nq
  F2 0FD6:r movdq2q Pq,Uo
  np 0FD7:r pmovmskb Gd,Nq
  66 0FD7:r pmovmskb Gd,Uo
  ${both('0F', 0xd8, 'psubusb psubusw pminub pand paddusb paddusw pmaxub pandn pavgb psraw psrad pavgw pmulhuw pmulhw')}
  66 0FE6 cvttpd2dq Vo,Wo
  F3 0FE6 cvtdq2pd Vo,Wq
  F2 0FE6 cvtpd2dq Vo,Wo
  np 0FE7:m movntq Mq,Pq
  66 0FE7:m movntdq Mo,Vo
  ${both('0F', 0xe8, 'psubsb psubsw pminsw por paddsb paddsw pmaxsw pxor - psllw pslld psllq pmuludq pmaddwd psadbw')}
  F2 0FF0:m lddqu Vo,Mo
  np 0FF7:r maskmovq Pq,Nq
  66 0FF7:r maskmovdqu Vo,Uo
  ${both('0F', 0xf8, 'psubb psubw psubd psubq paddb paddw paddd')}
  ${both('0F38', 0x00, 'pshufb phaddw phaddd phaddsw pmaddubsw phsubw phsubd phsubsw psignb psignw psignd pmulhrsw')}
  66 0F3810 pblendvb Vo,Wo,X0
  66 0F3814 blendvps Vo,Wo,X0
  66 0F3815 blendvpd Vo,Wo,X0
  66 0F3817 ptest Vo,Wo
  ${both('0F38', 0x1c, 'pabsb pabsw pabsd')}
  66 0F3820 pmovsxbw Vo,Wq
  66 0F3821 pmovsxbd Vo,Wd
  66 0F3822 pmovsxbq Vo,Ww
  66 0F3823 pmovsxwd Vo,Wq
  66 0F3824 pmovsxwq Vo,Wd
  66 0F3825 pmovsxdq Vo,Wq
  66 0F382A:m movntdqa Vo,Mo
  ${xmm('0F38', 0x28, 'pmuldq pcmpeqq - packusdw')}
  66 0F3830 pmovzxbw Vo,Wq
  66 0F3831 pmovzxbd Vo,Wd
  66 0F3832 pmovzxbq Vo,Ww
  66 0F3833 pmovzxwd Vo,Wq
  66 0F3834 pmovzxwq Vo,Wd
  66 0F3835 pmovzxdq Vo,Wq
  ${xmm('0F38', 0x37, 'pcmpgtq pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld phminposuw')}
  np 0F38C8 sha1nexte Vo,Wo ud
  np 0F38C9 sha1msg1 Vo,Wo ud
  np 0F38CA sha1msg2 Vo,Wo ud
  np 0F38CB sha256rnds2 Vo,Wo,X0 ud
  np 0F38CC sha256msg1 Vo,Wo ud
  np 0F38CD sha256msg2 Vo,Wo ud
  ${xmm('0F38', 0xdb, 'aesimc aesenc aesenclast aesdec aesdeclast', 'Wo', ' ud')}
  66 0F3A08 roundps Vo,Wo,Ib
  66 0F3A09 roundpd Vo,Wo,Ib
  66 0F3A0A roundss Vo,Wd,Ib
  66 0F3A0B roundsd Vo,Wq,Ib
  ${xmm('0F3A', 0x0c, 'blendps blendpd pblendw', 'Wo,Ib')}
  mx 0F3A0F palignr Pq,Qq,Ib
  66 0F3A14 pextrb Rd/Mb,Vo,Ib
  66 0F3A15 pextrw Rd/Mw,Vo,Ib
  66 0F3A16 pextrd|pextrq Ey,Vo,Ib
  66 0F3A17 extractps Ed,Vo,Ib
  66 0F3A20 pinsrb Vo,Rd/Mb,Ib
  66 0F3A21 insertps Vo,Wd,Ib
  66 0F3A22 pinsrd|pinsrq Vo,Ey,Ib
  ${xmm('0F3A', 0x40, 'dpps dppd mpsadbw', 'Wo,Ib')}
  66 0F3A44 pclmulqdq Vo,Wo,Ib ud
  ${xmm('0F3A', 0x60, 'pcmpestrm pcmpestri pcmpistrm pcmpistri', 'Wo,Ib')}
  np 0F3ACC sha1rnds4 Vo,Wo,Ib ud
  66 0F3ADF aeskeygenassist Vo,Wo,Ib ud`,
)
