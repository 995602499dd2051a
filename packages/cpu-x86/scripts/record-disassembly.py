#!/usr/bin/env python3
"""Records what binutils' objdump says about byte sequences: the fixture of the decoder's test.

usage: record-disassembly.py | gzip -9n > src/decode/disassembly.fixture.txt.gz

Lines: mode, bytes of one instruction in hex, text. The sequences are a systematic part (every opcode of every map,
every digit, register and memory form, every mandatory prefix) and a seeded random part.
"""
import random, re, subprocess, sys, tempfile

rng = random.Random(1)
PAD = b"\x90" * 16
SLOT = 32


def systematic(mode):
    prefixes = [b"", b"\x66", b"\xf3", b"\xf2"] + ([b"\x48", b"\x44", b"\x41"] if mode == 64 else [])
    for lead, count in ((b"", 256), (b"\x0f", 256), (b"\x0f\x38", 256), (b"\x0f\x3a", 256)):
        for opcode in range(count):
            if lead == b"" and opcode in (0x0F, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3):
                continue
            if lead == b"\x0f" and opcode in (0x38, 0x3A, 0x0F):
                continue
            if lead == b"" and opcode in (0xC4, 0xC5, 0x62, 0x8F):
                continue
            grouped = lead == b"" and 0x80 <= opcode <= 0x83 or opcode in (0xC0, 0xC1, 0xC6, 0xC7, 0xD0, 0xD1, 0xD2, 0xD3, 0xF6, 0xF7, 0xFE, 0xFF) or lead == b"\x0f" and opcode in (0, 1, 0x71, 0x72, 0x73, 0xAE, 0xBA, 0xC7)
            escape = lead == b"" and 0xD8 <= opcode <= 0xDF
            digits = range(8) if grouped or escape else (rng.randrange(8),)
            # REP means something to strings only (and on the other maps, where prefixes are part of the opcode).
            plain = lead == b"" and not 0x6C <= opcode <= 0x6F and not 0xA4 <= opcode <= 0xAF
            for prefix in prefixes[:1] if escape else prefixes[:2] + prefixes[4:] if plain else prefixes:
                for digit in digits:
                    forms = [rng.choice((0x05, 0x03, 0x46, 0x84, 0x04)), 0xC0 | rng.randrange(8)]
                    if escape:
                        forms = [0x05] + [0xC0 + i for i in range(8)]
                    for form in forms:
                        tail = bytes(rng.randrange(256) for _ in range(10))
                        yield prefix + lead + bytes([opcode, form | digit << 3]) + tail


def rand(mode, n):
    for _ in range(n):
        b = bytearray()
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            b.append(rng.choice((0x66, 0x67, 0xF2, 0xF3, 0x64, 0x2E, 0x65, 0x36)))
        if mode == 64 and rng.random() < 0.5:
            b.append(0x40 | rng.randrange(16))
        if rng.random() < 0.5:
            b.append(0x0F)
        while len(b) < 15:
            b.append(rng.randrange(256))
        yield bytes(b)


def main():
    out = []
    for mode, arch in ((16, "i8086"), (32, "i386"), (64, "i386:x86-64")):
        seqs = list(dict.fromkeys(s[:15] for s in list(systematic(mode)) + list(rand(mode, 1000))))
        with tempfile.NamedTemporaryFile(suffix=".bin") as f:
            f.write(b"".join(s.ljust(15, b"\x90") + PAD + b"\x90" for s in seqs))
            f.flush()
            # Each slot is disassembled on its own, so that a wrong length does not spoil the next.
            text = subprocess.run(["objdump", "-D", "-b", "binary", "-m", arch, "-M", "intel", "-w", "--insn-width=16", f.name], capture_output=True, text=True).stdout
        found = {}
        for line in text.splitlines():
            m = re.match(r"\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t?(.*)$", line)
            if m and int(m[1], 16) % SLOT == 0:
                if "(bad)" in m[3] and len(m[2]) < 13 or m[3].startswith("rex"):
                    continue  # objdump stops in the middle of undefined ones: their length says nothing
                found[int(m[1], 16) // SLOT] = (m[2].replace(" ", ""), m[3].strip())
        for i in range(len(seqs)):
            if i in found:
                raw, asm = found[i]
                asm = re.sub(r"\s*#.*$", "", asm)
                # Branch targets are absolute: count them from the slot.
                asm = re.sub(r"^((?:j\w+|call|loop\w*|bnd \w+)(?:,p[nt])? +)0x([0-9a-f]+)$", lambda m: m[1] + hex((int(m[2], 16) - i * SLOT) % (1 << 64)), asm)
                asm = re.sub(r"\s+", " ", asm)
                out.append(f"{mode} {raw} {asm}")
    print("\n".join(out))


main()
