/** The escapes D8 to DF. SDM vol. 2, tables; the aliases at the end are undocumented but everywhere. */
import { rows } from './rows.ts'

const ARITH = ['fadd', 'fmul', 'fcom', 'fcomp', 'fsub', 'fsubr', 'fdiv', 'fdivr']
/** DC and DE swap subtract and reverse subtract when the destination is ST(i). */
const REVERSED = ['fadd', 'fmul', 'fcom', 'fcomp', 'fsubr', 'fsub', 'fdivr', 'fdiv']

const arith = ARITH.flatMap((name, i) => {
  const compares = i === 2 || i === 3
  const reversed = REVERSED[i]!
  return [
    `D8/${i}:m ${name} Md`,
    `D8/${i}:r ${name} T0,Ti`,
    `DA/${i}:m ${name.replace('f', 'fi')} Md`,
    `DC/${i}:m ${name} Mq`,
    `DC/${i}:r ${reversed} ${compares ? 'T0,Ti' : 'Ti,T0'}`,
    `DE/${i}:m ${name.replace('f', 'fi')} Mw`,
    compares ? '' : `DE/${i}:r ${reversed}p Ti,T0`,
  ]
})

const singles = (opcode: string, first: number, names: string): string =>
  names
    .split(' ')
    .map((name, i) => (name === '-' ? '' : `${opcode}=${(first + i).toString(16).toUpperCase()} ${name} -`))
    .join('\n')

export const X87 = rows(
  `${arith.join('\n')}
  ${singles('D9', 0xd0, 'fnop')}
  ${singles('D9', 0xe0, 'fchs fabs - - ftst fxam - - fld1 fldl2t fldl2e fldpi fldlg2 fldln2 fldz')}
  ${singles('D9', 0xf0, 'f2xm1 fyl2x fptan fpatan fxtract fprem1 fdecstp fincstp')}
  ${singles('D9', 0xf8, 'fprem fyl2xp1 fsqrt fsincos frndint fscale fsin fcos')}
  ${singles('DB', 0xe0, 'fneni fndisi fnclex fninit fnsetpm')}
  D9/0:m fld Md
  D9/0:r fld Ti
  D9/1:r fxch T0,Ti
  D9/2:m fst Md
  D9/3:m fstp Md
  D9/3:r fstp Ti
  D9/4:m fldenv M
  D9/5:m fldcw Mw
  D9/6:m fnstenv M
  D9/7:m fnstcw Mw
  DA/0:r fcmovb T0,Ti
  DA/1:r fcmove T0,Ti
  DA/2:r fcmovbe T0,Ti
  DA/3:r fcmovu T0,Ti
  DA=E9 fucompp -
  DB/0:m fild Md
  DB/1:m fisttp Md
  DB/2:m fist Md
  DB/3:m fistp Md
  DB/5:m fld Mt
  DB/7:m fstp Mt
  DB/0:r fcmovnb T0,Ti
  DB/1:r fcmovne T0,Ti
  DB/2:r fcmovnbe T0,Ti
  DB/3:r fcmovnu T0,Ti
  DB/5:r fucomi T0,Ti
  DB/6:r fcomi T0,Ti
  DD/0:m fld Mq
  DD/1:m fisttp Mq
  DD/2:m fst Mq
  DD/3:m fstp Mq
  DD/4:m frstor M
  DD/6:m fnsave M
  DD/7:m fnstsw Mw
  DD/0:r ffree Ti
  DD/1:r fxch T0,Ti
  DD/2:r fst Ti
  DD/3:r fstp Ti
  DD/4:r fucom T0,Ti
  DD/5:r fucomp T0,Ti
  DE/2:r fcomp T0,Ti
  DE=D9 fcompp -
  DF/0:m fild Mw
  DF/1:m fisttp Mw
  DF/2:m fist Mw
  DF/3:m fistp Mw
  DF/4:m fbld Mt
  DF/5:m fild Mq
  DF/6:m fbstp Mt
  DF/7:m fistp Mq
  DF/0:r ffreep Ti
  DF/1:r fxch T0,Ti
  DF/2:r fstp Ti
  DF/3:r fstp Ti
  DF=E0 fnstsw AX
  DF/5:r fucomip T0,Ti
  DF/6:r fcomip T0,Ti`,
)
