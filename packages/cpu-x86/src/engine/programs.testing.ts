/** Programs for the tests of the engine, as bytes with their source. */

/**
 * 64 bits, at 7c00h:
 * mov edi,15
 * call fib
 * hlt
 * fib: cmp edi,2
 * jae 1f
 * mov eax,edi
 * ret
 * 1: push rbx
 * push rbp
 * mov ebx,edi
 * lea edi,[rbx-1]
 * call fib
 * mov ebp,eax
 * lea edi,[rbx-2]
 * call fib
 * add eax,ebp
 * pop rbp
 * pop rbx
 * ret
 */
export const RECURSION = 'bf0f000000e801000000f483ff02730389f8c3535589fb8d7bffe8ecffffff89c58d7bfee8e2ffffff01e85d5bc3'

/**
 * 32 bits, at 7c00h:
 * cld
 * mov edi,0x20000
 * mov ecx,5000
 * mov al,0x5a
 * rep stosb
 * mov esi,0x20000
 * mov edi,0x30001
 * mov ecx,1250
 * rep movsd
 * mov esi,0x20000
 * mov edi,0x30001
 * mov ecx,5000
 * repe cmpsb
 * mov ebx,ecx
 * mov edi,0x30001
 * mov al,0
 * mov ecx,10000
 * repne scasb
 * hlt
 */
export const STRINGS =
  'fcbf00000200b988130000b05af3aabe00000200bf01000300b9e2040000f3a5be00000200bf01000300b988130000f3a689' +
  'cbbf01000300b000b910270000f2aef4'

/**
 * 32 bits, at 7c00h:
 * mov ecx,5
 * xor edx,edx
 * 1: mov byte ptr [patched+1],cl
 * patched: mov al,0
 * movzx eax,al
 * add edx,eax
 * dec ecx
 * jnz 1b
 * hlt
 */
export const SMC_SAME = 'b90500000031d2880d0e7c0000b0000fb6c001c24975f0f4'

/**
 * 32 bits, at 7c00h:
 * mov ebx,0x9000
 * mov dword ptr [ebx],0xc30000b8
 * mov dword ptr [ebx+1],0
 * mov byte ptr [ebx],0xb8
 * mov byte ptr [ebx+5],0xc3
 * mov ecx,4
 * xor edx,edx
 * 1: mov byte ptr [ebx+1],cl
 * call ebx
 * add edx,eax
 * dec ecx
 * jnz 1b
 * hlt
 */
export const SMC_PAGE = 'bb00900000c703b80000c3c7430100000000c603b8c64305c3b90400000031d2884b01ffd301c24975f6f4'

/**
 * 32 bits, at 7c00h:
 * mov byte ptr [0x9ffd],0xb8
 * mov dword ptr [0x9ffe],0x11223344
 * mov byte ptr [0xa002],0xc3
 * mov ebx,0x9ffd
 * call ebx
 * mov esi,eax
 * mov byte ptr [0xa001],0x55
 * call ebx
 * hlt
 */
export const CROSS_CODE = 'c605fd9f0000b8c705fe9f000044332211c60502a00000c3bbfd9f0000ffd389c6c60501a0000055ffd3f4'

/**
 * 32 bits, at 7c00h:
 * mov dword ptr [0x20ffe],0x11223344
 * mov eax,[0x20ffe]
 * add dword ptr [0x20ffe],0x01010101
 * mov ebx,[0x20ffe]
 * movzx ecx,word ptr [0x20fff]
 * push dword ptr [0x20ffe]
 * pop edx
 * hlt
 */
export const CROSS_DATA = 'c705fe0f020044332211a1fe0f02008105fe0f0200010101018b1dfe0f02000fb70dff0f0200ff35fe0f02005af4'

/**
 * 32 bits, at 7c00h:
 * mov ebx,0xf0000000
 * mov eax,[ebx]
 * add dword ptr [ebx+4],5
 * mov byte ptr [ebx+9],0x77
 * xchg [ebx+12],eax
 * mov ecx,[ebx+0xffe]
 * hlt
 */
export const MMIO = 'bb000000f08b0383430405c643097787430c8b8bfe0f0000f4'

/**
 * 16 bits, at 7c00h:
 * sti
 * hlt
 * inc bx
 * hlt
 */
export const HLT_WAKE = 'fbf443f4'

/**
 * 16 bits, at 7c00h:
 * cli
 * nop
 * sti
 * inc bx
 * inc bx
 * hlt
 */
export const STI_SHADOW = 'fa90fb4343f4'

/**
 * 16 bits, at 7c00h:
 * mov si,bx
 * inc cx
 * iret
 */
export const HANDLER = '89de41cf'

/**
 * 32 bits, at 7c00h:
 * mov ecx,3000
 * mov esi,0x20000
 * 1: mov eax,ecx
 * imul eax,eax,12345
 * mov [esi],eax
 * add esi,4
 * and esi,0x21fff
 * test al,4
 * jz 2f
 * push eax
 * call 3f
 * pop edx
 * 2: dec ecx
 * jnz 1b
 * mov edi,0x30000
 * mov ecx,3000
 * rep stosd
 * hlt
 * 3: xor ebx,[esp+4]
 * rol ebx,3
 * ret
 */
export const MIX =
  'b9b80b0000be0000020089c869c039300000890683c60481e6ff1f0200a804740750e8110000005a4975dfbf00000300b9b8' +
  '0b0000f3abf4335c2404c1c303c3'

/**
 * 32 bits, at 7c00h:
 * mov esi,0x400000
 * mov edi,0x500ffe
 * add dword ptr [esi],3
 * mov eax,[edi]
 * mov [edi],esi
 * push dword ptr [esi+0x300000]
 * pop dword ptr [edi+0x100000]
 * mov edx,edi
 * xchg [esi+0x310000],edx
 * mov esi,0x400000
 * mov edi,0x802ffa
 * mov ecx,0x1800
 * cld
 * rep movsd
 * mov dword ptr [0xa00ffe],offset target
 * call dword ptr [0xa00ffe]
 * cmp eax,dword ptr [0xb00ffd]
 * setz byte ptr [0xc00000]
 * lock cmpxchg8b [0xd00ffc]
 * hlt
 * target: mov ebx,0x1234
 * shld dword ptr [0xe00ffe],ebx,5
 * ret 0
 */
export const FAULTS =
  'be00004000bffe0f50008306038b078937ffb6000030008f870000100089fa879600003100be00004000bffa2f8000b90018' +
  '0000fcf3a5c705fe0fa0005d7c0000ff15fe0fa0003b05fd0fb0000f94050000c000f00fc70dfc0fd000f4bb341200000fa4' +
  '1dfe0fe00005c20000'

/**
 * 32 bits, at 7c00h:
 * push eax
 * mov eax,cr2
 * shr eax,12
 * or dword ptr [eax*4+0x180000],1
 * inc dword ptr [0x3000]
 * pop eax
 * add esp,4
 * iret
 */
export const PF_HANDLER = '500f20d0c1e80c830c850000180001ff05003000005883c404cf'
