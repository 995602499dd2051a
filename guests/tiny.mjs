/**
 * A guest made from nothing but this file: a firmware image of 64 KiB with a program in real mode that programs only the
 * first serial port. It counts ticks, changes memory at each, chains a checksum over all of it, and prints
 * `@@TICK count checksum`. Whoever knows the rule (`tinyChain`) can say what each line must be.
 */

const IMAGE_BYTES = 0x10000
/** Changing memory: one segment of 64 KiB, written in sixteen blocks, one a tick. */
const DATA_SEGMENT = 0x1000
const DWORDS = 0x4000
const BLOCK_DWORDS = DWORDS / 16
const BLOCK_SHIFT = 12
/** Variables in segment 0. */
const COUNT = 0x500
const CHAIN = 0x504
const BUSY = 0x508
const STACK = 0x7000
const COM1 = 0x3f8
/** Turns of a loop that writes to memory, between two ticks. */
const PAUSE = 3_000_000
const ENTRY = 0xfff0

/** Bytes with labels: a displacement is put in when all labels are known. */
class Assembly {
  bytes = []
  #labels = new Map()
  #open = []

  label(name) {
    this.#labels.set(name, this.bytes.length)
  }

  op(...bytes) {
    this.bytes.push(...bytes)
  }

  /** An instruction that ends in a displacement of one byte (`width` 1) or two. */
  to(name, width, ...opcode) {
    this.op(...opcode)
    this.#open.push({ name, width, at: this.bytes.length })
    this.op(...new Array(width).fill(0))
  }

  /** An instruction that ends in the address of a label. */
  address(name, ...opcode) {
    this.op(...opcode)
    this.#open.push({ name, width: 0, at: this.bytes.length })
    this.op(0, 0)
  }

  finish() {
    for (const { name, width, at } of this.#open) {
      const target = this.#labels.get(name)
      const value = width === 0 ? target : target - (at + width)
      if (width === 1 && (value < -128 || value > 127)) throw new Error(`label ${name} is too far away`)
      this.bytes[at] = value & 0xff
      if (width !== 1) this.bytes[at + 1] = (value >> 8) & 0xff
    }
    return this.bytes
  }
}

const word = (n) => [n & 0xff, (n >> 8) & 0xff]
const dword = (n) => [...word(n), ...word(n >>> 16)]
/** mov dx, port; mov al, value; out dx, al */
const out = (port, value) => [0xba, ...word(port), 0xb0, value, 0xee]

function program() {
  const a = new Assembly()
  a.op(0xfa, 0xfc) //                       cli; cld
  a.op(0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0) // xor ax, ax; mov ds, ax; mov ss, ax
  a.op(0xbc, ...word(STACK)) //             mov sp, STACK
  a.op(0xb8, ...word(DATA_SEGMENT), 0x8e, 0xc0) // mov ax, DATA_SEGMENT; mov es, ax
  a.op(...out(COM1 + 3, 0x80)) //           divisor latch
  a.op(...out(COM1, 1), ...out(COM1 + 1, 0)) // 115200 baud
  a.op(...out(COM1 + 3, 3)) //              8 bits, no parity, 1 stop bit
  a.op(0x66, 0x31, 0xc0) //                 xor eax, eax
  a.op(0x66, 0xa3, ...word(COUNT), 0x66, 0xa3, ...word(CHAIN)) // mov [COUNT], eax; mov [CHAIN], eax
  a.op(0x31, 0xff, 0xb9, ...word(DWORDS), 0xf3, 0x66, 0xab) // xor di, di; mov cx, DWORDS; rep stosd

  a.label('tick')
  a.op(0x66, 0xff, 0x06, ...word(COUNT)) // inc dword [COUNT]
  a.op(0x8b, 0x3e, ...word(COUNT)) //       mov di, [COUNT]
  a.op(0xc1, 0xe7, BLOCK_SHIFT) //          shl di, 12: the block's offset, the count modulo 16
  a.op(0x66, 0xa1, ...word(COUNT)) //       mov eax, [COUNT]
  a.op(0xb9, ...word(BLOCK_DWORDS), 0xf3, 0x66, 0xab) // mov cx, BLOCK_DWORDS; rep stosd

  a.op(0x66, 0xa1, ...word(CHAIN), 0x31, 0xf6) // mov eax, [CHAIN]; xor si, si
  a.label('sum')
  a.op(0x66, 0xc1, 0xc0, 5) //              rol eax, 5
  a.op(0x26, 0x66, 0x03, 0x04) //           add eax, es:[si]
  a.op(0x83, 0xc6, 4) //                    add si, 4: zero after 64 KiB
  a.to('sum', 1, 0x75) //                   jnz sum
  a.op(0x66, 0xa3, ...word(CHAIN)) //       mov [CHAIN], eax

  a.address('text', 0xbe) //                mov si, text
  a.label('print')
  a.op(0x2e, 0xac, 0x84, 0xc0) //           lodsb from cs; test al, al
  a.to('decimal', 1, 0x74) //               jz decimal
  a.to('put', 2, 0xe8) //                   call put
  a.to('print', 1, 0xeb) //                 jmp print

  a.label('decimal')
  a.op(0x66, 0xa1, ...word(COUNT)) //       mov eax, [COUNT]
  a.op(0x66, 0xbb, ...dword(10), 0x31, 0xc9) // mov ebx, 10; xor cx, cx
  a.label('divide')
  a.op(0x66, 0x31, 0xd2, 0x66, 0xf7, 0xf3) // xor edx, edx; div ebx
  a.op(0x52, 0x41) //                       push dx; inc cx
  a.op(0x66, 0x85, 0xc0) //                 test eax, eax
  a.to('divide', 1, 0x75) //                jnz divide
  a.label('digit')
  a.op(0x58, 0x04, 0x30) //                 pop ax; add al, '0'
  a.to('put', 2, 0xe8) //                   call put
  a.to('digit', 1, 0xe2) //                 loop digit
  a.op(0xb0, 0x20) //                       mov al, ' '
  a.to('put', 2, 0xe8) //                   call put

  a.op(0x66, 0x8b, 0x1e, ...word(CHAIN)) // mov ebx, [CHAIN]
  a.op(0xb9, ...word(8)) //                 mov cx, 8
  a.label('hex')
  a.op(0x66, 0xc1, 0xc3, 4) //              rol ebx, 4
  a.op(0x88, 0xd8, 0x24, 0x0f) //           mov al, bl; and al, 15
  a.op(0x3c, 10) //                         cmp al, 10
  a.to('below ten', 1, 0x72) //             jb below ten
  a.op(0x04, 0x27) //                       add al, 'a' - '0' - 10
  a.label('below ten')
  a.op(0x04, 0x30) //                       add al, '0'
  a.to('put', 2, 0xe8) //                   call put
  a.to('hex', 1, 0xe2) //                   loop hex
  a.op(0xb0, 0x0d) //                       mov al, CR
  a.to('put', 2, 0xe8) //                   call put
  a.op(0xb0, 0x0a) //                       mov al, LF
  a.to('put', 2, 0xe8) //                   call put

  a.op(0x66, 0xb9, ...dword(PAUSE)) //      mov ecx, PAUSE
  a.label('pause')
  a.op(0x66, 0xff, 0x06, ...word(BUSY)) //  inc dword [BUSY]
  a.op(0x66, 0x49) //                       dec ecx
  a.to('pause', 1, 0x75) //                 jnz pause
  a.to('tick', 2, 0xe9) //                  jmp tick

  a.label('put')
  a.op(0x52, 0x50, 0xba, ...word(COM1 + 5)) // push dx; push ax; mov dx, line status
  a.label('busy')
  a.op(0xec, 0xa8, 0x20) //                 in al, dx; test al, transmitter empty
  a.to('busy', 1, 0x74) //                  jz busy
  a.op(0x58, 0xba, ...word(COM1), 0xee) //  pop ax; mov dx, COM1; out dx, al
  a.op(0x5a, 0xc3) //                       pop dx; ret

  a.label('text')
  a.op(...Buffer.from('@@TICK \0'))
  return a.finish()
}

/** @returns {Buffer} the firmware image */
export function buildTinyGuest() {
  const image = Buffer.alloc(IMAGE_BYTES, 0xf4) // hlt
  image.set(program(), 0)
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], ENTRY) // the reset vector: jmp 0xf000:0
  return image
}

/** The checksums that the guest must print, one a call. */
export function tinyChain() {
  const data = new Uint32Array(DWORDS)
  let count = 0
  let chain = 0
  return () => {
    count++
    const at = (count % 16) * BLOCK_DWORDS
    data.fill(count, at, at + BLOCK_DWORDS)
    for (const n of data) chain = (((chain << 5) | (chain >>> 27)) + n) >>> 0
    return chain.toString(16).padStart(8, '0')
  }
}
