/** The one-byte opcode map. SDM vol. 2, table A-2. */
import { rows } from './rows.ts'

const ALU = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp']
const SHIFTS = ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'shl', 'sar']
const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0')

const alu = ALU.flatMap((name, i) => {
  const at = (k: number): string => hex(8 * i + k)
  const lock = name === 'cmp' ? '' : ' L'
  return [
    `${at(0)} ${name} Eb,Gb${lock}`,
    `${at(1)} ${name} Ev,Gv${lock}`,
    `${at(2)} ${name} Gb,Eb`,
    `${at(3)} ${name} Gv,Ev`,
    `${at(4)} ${name} AL,Ib`,
    `${at(5)} ${name} eAX,Iz`,
    `80/${i} ${name} Eb,Ib${lock}`,
    `81/${i} ${name} Ev,Iz${lock}`,
    `82/${i} ${name} Eb,Ib i64${lock}`,
    `83/${i} ${name} Ev,Bv${lock}`,
  ]
})

const shifts = SHIFTS.flatMap((name, i) => [
  `C0/${i} ${name} Eb,Ib`,
  `C1/${i} ${name} Ev,Ib`,
  `D0/${i} ${name} Eb,1`,
  `D1/${i} ${name} Ev,1`,
  `D2/${i} ${name} Eb,CL`,
  `D3/${i} ${name} Ev,CL`,
])

export const ONE_BYTE = rows(
  `${alu.join('\n')}
  ${shifts.join('\n')}
  06 push_seg ES i64 s=v
  07 pop_seg ES i64 s=v
  0E push_seg CS i64 s=v
  16 push_seg SS i64 s=v
  17 pop_seg SS i64 s=v
  1E push_seg DS i64 s=v
  1F pop_seg DS i64 s=v
  27 daa - i64
  2F das - i64
  37 aaa - i64
  3F aas - i64
  40+r inc Zv i64
  48+r dec Zv i64
  50+r push Zv d64
  58+r pop Zv d64
  60 pusha - i64
  61 popa - i64
  62:m bound Gv,M i64
  63 arpl Ew,Gw i64
  63 movsxd Gv,Ed o64
  68 push Iz d64 s=v
  69 imul Gv,Ev,Iz
  6A push Bv d64
  6B imul Gv,Ev,Bv
  6C ins - s=b
  6D ins - s=z
  6E outs - s=b
  6F outs - s=z
  70+cc jcc Jb f64
  84 test Eb,Gb
  85 test Ev,Gv
  86 xchg Eb,Gb L
  87 xchg Ev,Gv L
  88 mov Eb,Gb
  89 mov Ev,Gv
  8A mov Gb,Eb
  8B mov Gv,Ev
  8C mov_seg Rv/Mw,Sw
  8D:m lea Gv,M
  8E mov_seg Sw,Ew
  8F/0 pop Ev d64
  90+r xchg Zv,eAX
  98 cbw -
  99 cwd -
  9A call_far Av i64
  9B fwait -
  9C pushf - d64
  9D popf - d64
  9E sahf - s=b
  9F lahf - s=b
  A0 mov AL,Ob
  A1 mov eAX,Ov
  A2 mov Ob,AL
  A3 mov Ov,eAX
  A4 movs - s=b
  A5 movs -
  A6 cmps - s=b
  A7 cmps -
  A8 test AL,Ib
  A9 test eAX,Iz
  AA stos - s=b
  AB stos -
  AC lods - s=b
  AD lods -
  AE scas - s=b
  AF scas -
  B0+r mov Zb,Ib
  B8+r mov Zv,Iv
  C2 ret Iw f64 s=v
  C3 ret - f64
  C4:m les Gv,Mv i64
  C5:m lds Gv,Mv i64
  C6/0 mov Eb,Ib
  C7/0 mov Ev,Iz
  C8 enter Iw,Ib d64 s=v
  C9 leave - d64
  CA retf Iw s=v
  CB retf -
  CC int3 -
  CD int Ib
  CE into - i64
  CF iret -
  D4 aam Ib i64
  D5 aad Ib i64
  D6 salc - i64 s=b
  D7 xlat - s=b
  E0 loopne Jb f64
  E1 loope Jb f64
  E2 loop Jb f64
  E3 jcxz Jb f64
  E4 in AL,Ib
  E5 in zAX,Ib
  E6 out Ib,AL s=b
  E7 out Ib,zAX s=z
  E8 call Jz f64 s=v
  E9 jmp Jz f64
  EA jmp_far Av i64
  EB jmp Jb f64
  EC in AL,DX
  ED in zAX,DX
  EE out DX,AL s=b
  EF out DX,zAX s=z
  F1 int1 -
  F4 hlt -
  F5 cmc -
  F6/0 test Eb,Ib
  F6/1 test Eb,Ib
  F6/2 not Eb L
  F6/3 neg Eb L
  F6/4 mul Eb
  F6/5 imul Eb
  F6/6 div Eb
  F6/7 idiv Eb
  F7/0 test Ev,Iz
  F7/1 test Ev,Iz
  F7/2 not Ev L
  F7/3 neg Ev L
  F7/4 mul Ev
  F7/5 imul Ev
  F7/6 div Ev
  F7/7 idiv Ev
  F8 clc -
  F9 stc -
  FA cli -
  FB sti -
  FC cld -
  FD std -
  FE/0 inc Eb L
  FE/1 dec Eb L
  FF/0 inc Ev L
  FF/1 dec Ev L
  FF/2 call_indirect Ev f64
  FF/3:m call_far Mv
  FF/4 jmp_indirect Ev f64
  FF/5:m jmp_far Mv
  FF/6 push Ev d64`,
)
