/*
 * Asks the host's processor what single integer instructions do. Records for the test of the meanings.
 *
 *   gcc -O2 -fno-stack-protector -o oracle oracle.c
 *   (./oracle 64 5000 1; ./oracle 32 4000 2; ./oracle 16 3000 3) | gzip -9n > ../src/semantics/hardware.fixture.txt.gz
 *
 * One signal per vector: a handler records the context as the result of vector N, fills it with vector N + 1 and
 * returns; the trap flag stops the processor after one instruction. The handler touches no thread-local storage.
 * 32-bit code runs through the compatibility code segment of a 64-bit process, 16-bit code through a local descriptor.
 *
 * A line: mode, bytes, start (changed registers, eflags), data at the touched place, and the result. Memory is 16 KiB,
 * filled by a rule that the test knows (byte i is 7 * i + (i >> 8)).
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

typedef uint64_t u64;
typedef uint8_t u8;

/* Sixteen-bit code has its data where it can reach it: that needs a low vm.mmap_min_addr. */
enum { CODE = 0x1a7b3000, LENGTH = 0x4000 };
static u64 DATA = 0x1b9c5000;

static u64 seed;
static u64 rnd(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static int mode;
static long total, done = -1;
static u8 *code, *data, image[LENGTH];
static struct {
  u8 bytes[32];
  int length;
  u64 gpr[16], flags;
} v;

static const int INDEX[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* One-byte opcodes whose operands are registers, memory and immediates; then those after 0F. */
static const u8 ONE[] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x18, 0x19, 0x1a, 0x1b,
    0x20, 0x21, 0x22, 0x23, 0x28, 0x29, 0x2a, 0x2b, 0x2d, 0x30, 0x31, 0x32, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x50,
    0x54, 0x55, 0x58, 0x5c, 0x5d, 0x63, 0x68, 0x69, 0x69, 0x6a, 0x6b, 0x6b, 0x72, 0x7c, 0x80, 0x81, 0x83, 0x83, 0x84, 0x85,
    0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0x8f, 0x91, 0x98, 0x99, 0x9e, 0x9f, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa,
    0xab, 0xac, 0xad, 0xae, 0xaf, 0xb1, 0xba, 0xc0, 0xc1, 0xc0, 0xc1, 0xc2, 0xc3, 0xc6, 0xc7, 0xc8, 0xc9, 0xd0, 0xd1, 0xd2,
    0xd3, 0xd0, 0xd1, 0xd2, 0xd3, 0xd2, 0xd3, 0xd7, 0xe0, 0xe1, 0xe2, 0xe3, 0xe8, 0xe9, 0xeb, 0xf5, 0xf6, 0xf7, 0xf6, 0xf7,
    0xf6, 0xf7, 0xf8, 0xf9, 0xfc, 0xfd, 0xfe, 0xff, 0xff, 0x27, 0x2f, 0x37, 0x3f, 0xd4, 0xd5, 0x60, 0x61, 0x40, 0x4f, 0xd6};
static const u8 TWO[] = {0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
                         0x84, 0x90, 0x92, 0x94, 0x96, 0x98, 0x9a, 0x9c, 0x9e, 0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xaf,
                         0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xb8, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc7, 0xc8,
                         0xca, 0xbc, 0xbd, 0x1f};

static u64 edge(void) {
  switch (rnd() % 8) {
  case 0: return 0;
  case 1: return ~0ull;
  case 2: return 1ull << (rnd() % 64);
  case 3: return (1ull << (rnd() % 64)) - 1;
  case 4: return rnd() & 0xff;
  case 5: return rnd() & 0x3f;
  default: return rnd();
  }
}

static u64 inside(void) { return DATA + 0x1000 + rnd() % 0x2000; }

static int operand16(u8 *p, int reg) {
  int n = 0, disp = rnd() % 3;
  p[n++] = disp << 6 | reg << 3 | (rnd() % 8 ? 4 + rnd() % 4 : rnd() & 7);
  if (disp == 0 && (p[0] & 7) == 6) p[0] ^= 1;
  for (int i = 0; i < disp; i++) p[n++] = i ? 0 : rnd();
  return n;
}

/* A ModRM byte with what follows it. */
static int operand(u8 *p, int digit) {
  int n = 0, reg = digit >= 0 ? digit : rnd() & 7;
  if (rnd() % 2) {
    p[n++] = 0xc0 | reg << 3 | (rnd() & 7);
    return n;
  }
  if (mode == 16) return operand16(p, reg);
  switch (rnd() % 4) {
  case 0:
    p[n++] = 0x40 | reg << 3 | 6;
    p[n++] = rnd();
    return n;
  case 1:
    p[n++] = 0x04 | reg << 3;
    p[n++] = 0x23 | (rnd() & 3) << 6; /* [rbx] */
    return n;
  case 2:
    p[n++] = 0x44 | reg << 3;
    p[n++] = 0x36 | 0x40 | (rnd() & 1) << 3; /* [rsi + rsi or rdi * 2 + d8], mostly outside */
    p[n++] = rnd();
    return n;
  default:
    p[n++] = 0x80 | reg << 3 | 7;
    p[n++] = rnd();
    p[n++] = 1;
    p[n++] = 0;
    p[n++] = 0;
    return n;
  }
}

static int shortened;

static int build(u8 *p) {
  int n = 0, two = rnd() % 3 == 0, op, wide = 0;
  if (rnd() % 24 == 0) p[n++] = 0xf0;
  if (rnd() % 4 == 0) p[n++] = 0x66;
  if (rnd() % 16 == 0) p[n++] = 0x67;
  op = two ? TWO[rnd() % sizeof TWO] : ONE[rnd() % sizeof ONE];
  int strings = !two && ((op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf));
  if (strings && rnd() % 2) p[n++] = 0xf2 | (rnd() & 1);
  if (two && (op == 0xb8 || ((op == 0xbc || op == 0xbd) && rnd() % 2))) p[n++] = 0xf3;
  if (mode == 64 && rnd() % 2) {
    p[n] = 0x40 | (rnd() & 15);
    wide = p[n++] & 8;
  }
  if (two) {
    p[n++] = 0x0f;
    if (rnd() % 24 == 0) {
      p[n++] = 0x38;
      op = 0xf0 | (rnd() & 1);
    }
  }
  p[n++] = op;
  int digit = -1;
  if (two && op == 0xba) digit = 4 + (rnd() & 3);
  if (two && op == 0xc7) digit = 1;
  if (!two && op == 0xff) digit = rnd() % 5 == 3 ? 6 : rnd() % 2 ? 2 : rnd() % 7;
  if (!two && op == 0xff && (digit == 3 || digit == 5)) digit = 4;
  if (!two && (op == 0xc6 || op == 0xc7 || op == 0x8f)) digit = 0;
  if (!two && op == 0xfe) digit = rnd() & 1;
  if (!two && (op == 0xf6 || op == 0xf7) && rnd() % 2) digit = 4 + (rnd() & 3);
  n += operand(p + n, digit);
  /* Counts and immediates: small ones as often as any. */
  if (rnd() % 2) p[n++] = rnd() & 0x3f;
  for (int i = rnd() % 2 ? 4 : 0; i > 0; i--) p[n++] = rnd();
  if (wide && rnd() % 2)
    for (int i = 0; i < 4; i++) p[n++] = rnd();
  shortened = 0;
  for (int i = 0; i < 3; i++) shortened |= p[i] == 0x66;
  shortened &= two ? op == 0x84 : op == 0x72 || op == 0x7c || (op >= 0xe0 && op <= 0xe3) || op == 0xc2 || op == 0xc3 ||
                                      op == 0xe8 || op == 0xe9 || op == 0xeb || (op == 0xff && digit >= 2 && digit <= 5);
  int used = n;
  while (n < 15) p[n++] = 0x90;
  return used > 15 ? 15 : used;
}

static void generate(void) {
  v.length = build(v.bytes);
  for (int i = 0; i < 16; i++) v.gpr[i] = mode == 64 ? edge() : (uint32_t)edge();
  v.gpr[4] = (DATA + 0x2000 + rnd() % 0x800) & ~7ull;
  if (rnd() % 8) {
    v.gpr[3] = inside() & (rnd() & 1 ? ~0ull : ~15ull);
    v.gpr[6] = inside();
    v.gpr[7] = inside();
    if (rnd() % (mode == 16 ? 2 : 4) == 0) v.gpr[5] = inside();
  }
  if (rnd() % 3 == 0) v.gpr[1] = rnd() % 70; /* counts for REP stay small enough */
  else if (rnd() % 3 == 0) v.gpr[1] = rnd() % 6;
  if (rnd() % 6 == 0) v.gpr[2] = rnd() & 3;
  if (rnd() % 8 == 0) v.gpr[2] = v.gpr[0] >> 63 ? ~0ull : 0;
  v.flags = 0x202 | (rnd() & 0x8d5) | (rnd() % 8 == 0 ? 0x400 : 0);
}

static void say(const char *name, u64 a) {
  char b[40];
  int n = snprintf(b, sizeof b, " %s%lx", name, (long)a);
  fwrite(b, 1, n, stdout);
}

static void record(const greg_t *g) {
  /* AMD lets 66 shorten near branches in 64-bit code; Intel, and we, do not. */
  if (mode == 64 && shortened) return;
  int trap = g[REG_TRAPNO];
  if (data == MAP_FAILED) _exit(4);
  /* An outcome that is not a normal end, #DE, #UD or #PF says more about the host's system than about the instruction. */
  if (trap != 1 && trap != 0 && trap != 6 && trap != 14) return;
  printf("%d ", mode);
  for (int i = 0; i < v.length; i++) printf("%02x", v.bytes[i]);
  for (int i = 0; i < (mode == 64 ? 16 : 8); i++) say("", v.gpr[i]);
  say("", v.flags);
  printf(" %d", trap);
  if (trap == 1) {
    say("", g[REG_RIP] - (mode == 16 ? 0 : CODE));
    say("", g[REG_EFL] & 0xcd5);
    for (int i = 0; i < (mode == 64 ? 16 : 8); i++)
      if ((u64)g[INDEX[i]] != v.gpr[i]) printf(" r%d=%lx", i, (long)g[INDEX[i]]);
    for (int i = 0; i < LENGTH; i++)
      if (data[i] != image[i]) printf(" m%x=%02x", i, data[i]);
  }
  printf("\n");
}

static void load(ucontext_t *u) {
  greg_t *g = u->uc_mcontext.gregs;
  memset(code, 0x90, 64);
  memcpy(code, v.bytes, 15);
  memcpy(data, image, LENGTH);
  for (int i = 0; i < 16; i++) g[INDEX[i]] = v.gpr[i];
  g[REG_EFL] = v.flags | 0x100;
  g[REG_RIP] = mode == 16 ? 0 : CODE;
  g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffull) | (mode == 64 ? 0x33 : mode == 32 ? 0x23 : 7);
}

static void handler(int s, siginfo_t *info, void *p) {
  (void)s, (void)info;
  ucontext_t *u = p;
  if (done >= 0) record(u->uc_mcontext.gregs);
  if (++done >= total) {
    fflush(stdout);
    _exit(0);
  }
  generate();
  load(u);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  mode = atoi(argv[1]);
  total = atol(argv[2]);
  seed = strtoull(argv[3], 0, 0) * 0x9E3779B97F4A7C15ull | 1;
  static char buffer[1 << 16];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  if (mode == 16) DATA = 0x8000;
  for (int i = 0; i < LENGTH; i++) image[i] = 7 * i + (i >> 8);
  code = mmap((void *)CODE, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  data = mmap((void *)DATA, LENGTH, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  struct user_desc d = {.base_addr = CODE, .limit = 0xffff, .contents = 2};
  if (mode == 16 && syscall(SYS_modify_ldt, 1, &d, sizeof d)) return 3;
  if (mode != 64) __asm__ volatile("mov %0,%%ds\n mov %0,%%es" ::"r"(0x2b));
  stack_t alternate = {.ss_sp = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 1 << 20};
  sigaltstack(&alternate, 0);
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigfillset(&a.sa_mask);
  int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &a, 0);
  raise(SIGTRAP);
  return 1;
}
