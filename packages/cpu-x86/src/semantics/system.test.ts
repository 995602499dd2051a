/** System instructions through the decoder, tier 0 and the run loop. Programs are assembled by hand with GNU as. */
import { expect, test } from 'vitest'
import { bench, bytesOf } from '../engine/testing.ts'
import { FLAG } from '../cpu-state.ts'
import { S } from '../state.ts'

/*
 *  # flags and privilege-free control
 *  pushfq
 *  popq %rbx
 *  stc
 *  std
 *  sti
 *  pushfq
 *  popq %rcx
 *  cli
 *  pushfq
 *  popq %rdx
 *  cld
 *  pushq $0x40846   # ZF|PF|OF? AC
 *  popfq
 *  pushfq
 *  popq %rsi
 *  pushfw
 *  popw %di
 *  hlt
 */
const FLAGS64 = '9c5bf9fdfb9c59fa9c5afc68460804009d9c5e669c665ff4'

test('CLI, STI, PUSHF and POPF work on the flags', () => {
  const b = bench({ bits: 64, code: FLAGS64 })
  b.processor.state.eflags = 2 | FLAG.ZF
  expect(b.processor.run(1e4).reason).toBe('halted')
  expect([3, 1, 2].map((r) => b.reg(r))).toEqual([0x42, 0x2 | 0x1 | 0x40 | FLAG.DF | FLAG.IF, 0x43 | FLAG.DF])
  expect(b.reg(6)).toBe(0x40846)
  expect(b.reg(7)).toBe(0x846)
  expect(b.reg(4)).toBe(0x7000)
})

/*
 *  mov %cr0,%rax
 *  mov %rax,%r8
 *  mov %cr4,%rax
 *  or $0x200,%eax
 *  mov %rax,%cr4
 *  mov %cr4,%r9
 *  mov $0xc0000101,%ecx
 *  mov $0x12345678,%eax
 *  mov $0xffff8000,%edx
 *  wrmsr
 *  mov $0xc0000102,%ecx
 *  mov $0x1111,%eax
 *  xor %edx,%edx
 *  wrmsr
 *  swapgs
 *  mov $0xc0000101,%ecx
 *  rdmsr
 *  mov %eax,%r10d
 *  mov $0xc0000102,%ecx
 *  rdmsr
 *  mov %edx,%r11d
 *  mov $1,%eax
 *  cpuid
 *  mov %eax,%r12d
 *  sgdt 0x8000
 *  smsw %eax
 *  mov %eax,%r13d
 *  mov $3,%eax
 *  mov %ax,%fs
 *  mov %fs,%r14d
 *  rdtsc
 *  mov $0x5555,%eax
 *  mov %rax,%dr0
 *  mov %dr0,%r15
 *  hlt
 */
const CTL64 =
  '0f20c04989c00f20e00d000200000f22e0410f20e1b9010100c0b878563412ba0080ffff0f30b9020100c0b81111000031d2' +
  '0f300f01f8b9010100c00f324189c2b9020100c00f324189d3b8010000000fa24189c40f010425008000000f01e04189c5b8' +
  '030000008ee0418ce60f31b8555500000f23c0410f21c7f4'

test('control registers, MSRs, SWAPGS, CPUID, SGDT and debug registers', () => {
  const b = bench({ bits: 64, code: CTL64 })
  b.processor.state.setNum(S.gdtBase, -0x1234_5678)
  b.processor.state.setWord(S.gdtLimit, 0x7f)
  expect(b.processor.run(1e4).reason).toBe('halted')
  expect([8, 9, 10, 11, 12, 13, 14, 15].map((r) => b.reg(r))).toEqual([
    0x8000_0011, 0x220, 0x1111, 0xffff_8000, 0x60fb1, 0x8000_0011, 3, 0x5555,
  ])
  expect(b.processor.state.gprHigh(8)).toBe(0)
  expect([b.peek(0x8000, 2), b.peek(0x8002), b.peek(0x8006)]).toEqual([0x7f, -0x1234_5678 >>> 0, 0xffff_ffff])
})

/*
 * .code16
 *  # IVT 0x21 -> 0:handler
 *  movw $handler+0x7c00,0x84
 *  movw $0,0x86
 *  xor %ax,%ax
 *  mov %ax,%ss
 *  mov $0x7000,%sp
 *  mov $0x1234,%bx
 *  int $0x21
 *  # bx = 0x1235 now
 *  lcall $0x700,$far-0x7000+0x7c00
 *  # to protected mode and back
 *  cli
 *  lgdtl gdtr+0x7c00
 *  mov %cr0,%eax
 *  or $1,%al
 *  mov %eax,%cr0
 *  ljmpl $8,$p32+0x7c00
 * .code32
 * p32:
 *  mov $0x10,%eax
 *  mov %eax,%ds
 *  mov %eax,%es
 *  movl $0xcafe,0x123450
 *  sidt 0x8000
 *  str %edi
 *  ljmpl $0x18,$p16+0x7c00
 * .code16
 * p16:
 *  mov %cr0,%eax
 *  and $0xfe,%al
 *  mov %eax,%cr0
 *  ljmp $0,$r16+0x7c00
 * r16:
 *  xor %ax,%ax
 *  mov %ax,%es
 *  # big real mode: ds keeps 4 GiB limit
 *  mov %ax,%ds
 *  addr32 movl 0x123450,%edx
 *  in $0x61,%al
 *  hlt
 * handler:
 *  inc %bx
 *  iret
 * far:
 *  inc %cx
 *  lret
 * gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00009a000000ffff
 * gdtr: .word 31
 *  .long gdt+0x7c00
 */
const REAL16 =
  'c7068400767cc7068600000031c08ed0bc0070bb3412cd219a780c0007fa660f01169a7c0f20c00c010f22c066ea347c0000' +
  '0800b8100000008ed88ec0c70550341200feca00000f010d008000000f00cfea587c000018000f20c024fe0f22c0ea657c00' +
  '0031c08ec08ed867668b1550341200e461f443cf41cb0000000000000000ffff0000009acf00ffff00000092cf00ffff0000' +
  '009a00001f007a7c0000'

test('real mode: an interrupt, a far call, protected mode and back into big real mode', () => {
  const b = bench({ bits: 16, code: REAL16 })
  expect(b.processor.run(1e4).reason).toBe('halted')
  expect([b.reg(3) & 0xffff, b.reg(1) & 0xffff, b.reg(2), b.reg(7), b.reg(0) & 0xff]).toEqual([
    0x1235, 1, 0xcafe, 0, 0xff,
  ])
  expect(b.peek(0x12_3450)).toBe(0xcafe)
  expect(b.processor.state.segLimit(3)).toBe(0xffff_ffff)
  expect(b.reg(4)).toBe(0x7000)
})

/*
 * .code32
 *  lgdt gdtr+0x7c00
 *  ljmp $8,$1f+0x7c00
 * 1: mov $0x10,%eax
 *  mov %eax,%ds
 *  mov %eax,%ss
 *  lidt idtr+0x7c00
 *  mov $0x28,%eax
 *  ltr %ax
 *  # to ring 3
 *  pushl $0x23
 *  pushl $0x6000
 *  pushl $0x202
 *  pushl $0x1b
 *  pushl $user+0x7c00
 *  iret
 * user:
 *  mov $7,%eax
 *  int $0x80
 *  mov %eax,%ebx
 *  cli          # GP in ring 3
 *  nop
 * h80:
 *  add $1,%eax
 *  iret
 * gp:
 *  pop %ecx     # error code
 *  pop %edx     # eip
 *  mov %cs,%esi
 *  lar %esi,%edi
 *  verr %si
 *  setz %ah
 *  hlt
 *  .align 8
 * gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
 *  .word 0x67, tss+0x7c00, 0x8900, 0
 * gdtr: .word 47
 *  .long gdt+0x7c00
 * idtr: .word 0x407
 *  .long 0x9000
 * tss: .long 0, 0x8000, 0x10
 *  .fill 23,4,0
 */
const INT32 =
  '0f0115887c0000ea0e7c00000800b8100000008ed88ed00f011d8e7c0000b8280000000f00d86a2368006000006802020000' +
  '6a1b683a7c0000cfb807000000cd8089c3fa9083c001cf595a8cce0f02fe0f00e60f94c4f4900000000000000000ffff0000' +
  '009acf00ffff00000092cf00ffff000000facf00ffff000000f2cf006700947c008900002f00587c00000704009000000000' +
  '0000008000001000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '0000'

test('protected mode: to ring 3, a system call by INT, and a general protection fault', () => {
  const b = bench({ bits: 32, code: INT32 })
  const gate = (vector: number, offset: number, dpl: number): void =>
    b.ram.write(0x9000 + 8 * vector, bytesOf(hex32((8 << 16) | offset) + hex32(0x8e00 | (dpl << 13))))
  gate(0x80, 0x7c45, 3)
  gate(13, 0x7c49, 0)
  expect(b.processor.run(1e4).reason).toBe('halted')
  expect([b.reg(3), b.reg(1), b.reg(2), b.reg(6), b.reg(7)]).toEqual([8, 0, 0x7c43, 8, 0x00c0_9b00])
  expect(b.reg(0) & 0xff00).toBe(0x100)
  expect([b.processor.state.cpl, b.reg(4)]).toEqual([0, 0x8000 - 24 + 8])
})

/*
 *  mov $0xc0000080,%ecx
 *  rdmsr
 *  or $1,%eax
 *  wrmsr
 *  mov $0xc0000081,%ecx
 *  xor %eax,%eax
 *  mov $0x00130008,%edx
 *  wrmsr
 *  mov $0xc0000082,%ecx
 *  lea entry(%rip),%rax
 *  xor %edx,%edx
 *  wrmsr
 *  mov $0xc0000084,%ecx
 *  mov $0x200,%eax
 *  wrmsr
 *  lea user(%rip),%rcx
 *  mov $0x202,%r11d
 *  sysretq
 * user:
 *  mov $5,%eax
 *  syscall
 *  mov %eax,%ebx
 *  mov $0,%eax
 *  syscall
 * entry:
 *  test %eax,%eax
 *  jz done
 *  inc %eax
 *  mov %cs,%edi
 *  sysretq
 * done:
 *  mov %ss,%esi
 *  hlt
 */
const SYS64 =
  'b9800000c00f3283c8010f30b9810000c031c0ba080013000f30b9820000c0488d053000000031d20f30b9840000c0b80002' +
  '00000f30488d0d0900000041bb02020000480f07b8050000000f0589c3b8000000000f0585c07407ffc08ccf480f078cd6f4'

test('64-bit mode: SYSRET to ring 3 and SYSCALL back', () => {
  const b = bench({ bits: 64, code: SYS64 })
  expect(b.processor.run(1e4).reason).toBe('halted')
  expect([b.reg(3), b.reg(7), b.reg(6), b.processor.state.cpl]).toEqual([6, 8, 0x10, 0])
  expect(b.processor.state.eflags & FLAG.IF).toBe(0)
})

function hex32(n: number): string {
  return [0, 8, 16, 24].map((s) => ((n >>> s) & 0xff).toString(16).padStart(2, '0')).join('')
}
