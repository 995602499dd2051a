// Runs single x87, MMX and SSE instructions on the host CPU. gcc -O1 -o fp fp.c; fp < cases > results
// A case is {u8 length, bytes[15], fxsave image[512], rax, rcx, memory[128]}; the instruction finds memory at [rdi].
// A result is {fxsave image[512], rax, rcx, flags, signal, memory[128]}.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct in { uint8_t length, bytes[15], fx[512]; uint64_t rax, rcx; uint8_t memory[128]; } __attribute__((packed));
struct out { uint8_t fx[512]; uint64_t rax, rcx, flags, signal; uint8_t memory[128]; } __attribute__((packed));
struct frame { uint8_t before[512], after[512], memory[128]; uint64_t rax, rcx, flags; } __attribute__((aligned(64)));

static struct frame f;
static sigjmp_buf back;
static volatile int caught;
void oracle_run(struct frame *);
extern uint8_t oracle_gap[];

asm(".text\n.globl oracle_run, oracle_gap\n"
    "oracle_run:\n push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " mov %rdi, %r12\n fxrstor64 (%r12)\n mov 1152(%r12), %rax\n mov 1160(%r12), %rcx\n lea 1024(%r12), %rdi\n"
    " pushq $0x202\n popfq\n"
    "oracle_gap: .fill 16, 1, 0x90\n"
    " pushfq\n pop %r13\n fxsave64 512(%r12)\n mov %rax, 1152(%r12)\n mov %rcx, 1160(%r12)\n mov %r13, 1168(%r12)\n"
    " fninit\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");

static void on_signal(int s) { caught = s; siglongjmp(back, 1); }

int main(void) {
  struct in in;
  struct out out;
  long page = sysconf(_SC_PAGESIZE);
  uint8_t *start = (uint8_t *)((uintptr_t)oracle_gap & ~(page - 1));
  if (mprotect(start, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC)) return perror("mprotect"), 1;
  signal(SIGFPE, on_signal), signal(SIGSEGV, on_signal), signal(SIGILL, on_signal), signal(SIGBUS, on_signal);
  while (fread(&in, sizeof in, 1, stdin) == 1) {
    uint32_t normal = 0x1f80;
    memset(oracle_gap, 0x90, 16), memcpy(oracle_gap, in.bytes, in.length);
    __builtin___clear_cache((char *)oracle_gap, (char *)oracle_gap + 16);
    memcpy(f.before, in.fx, 512), memset(f.after, 0, 512), memcpy(f.memory, in.memory, 128);
    f.rax = in.rax, f.rcx = in.rcx, f.flags = 0, caught = 0;
    if (!sigsetjmp(back, 1)) oracle_run(&f);
    asm volatile("fninit\n ldmxcsr %0" ::"m"(normal));
    memcpy(out.fx, f.after, 512), memcpy(out.memory, f.memory, 128);
    out.rax = f.rax, out.rcx = f.rcx, out.flags = f.flags, out.signal = caught;
    fwrite(&out, sizeof out, 1, stdout);
  }
  return 0;
}
