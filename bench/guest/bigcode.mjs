/**
 * The source of a program of many different functions, called in a random order for a few rounds. Most of the time goes
 * into code that has run only a few times, which is what the start of a program looks like to a translator.
 */
export function bigcode(functions = 3000) {
  let seed = 12345
  const random = (n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % n
  }
  const out = ['#include "wl.h"', 'static volatile uint32_t sink;', 'static uint32_t mem[256];']
  for (let f = 0; f < functions; f++) {
    out.push(`static uint32_t WL_NOINLINE b${f}(uint32_t x, uint32_t y) {`)
    const statements = 8 + random(10)
    for (let s = 0; s < statements; s++) {
      const c = ((random(0xffffff) << 4) | random(16)) >>> 0
      out.push(`  ${statement(random, c, f)}`)
    }
    out.push('  return x ^ y;', '}')
  }
  out.push(`static uint32_t (*const tab[${functions}])(uint32_t, uint32_t) = {`)
  for (let f = 0; f < functions; f += 10) {
    const row = Array.from({ length: Math.min(10, functions - f) }, (_, i) => `b${f + i}`)
    out.push(`  ${row.join(', ')},`)
  }
  out.push(
    '};',
    'int main(int argc, char **argv) {',
    '  long rounds = wl_arg(argc, argv, 1, 1);',
    '  uint64_t t0 = wl_now_us();',
    '  uint32_t v = 1;',
    '  for (long r = 0; r < rounds; r++) {',
    `    for (int i = 0; i < ${functions}; i++) v = tab[wl_rand() % ${functions}u](v, (uint32_t)i);`,
    '    wl_mix(v);',
    '  }',
    '  sink = v;',
    `  wl_done("bigcode", t0, (double)rounds * ${functions}, "calls");`,
    '  return 0;',
    '}',
  )
  return `${out.join('\n')}\n`
}

function statement(random, c, f) {
  switch (random(8)) {
    case 0:
      return `x += y * ${c}u;`
    case 1:
      return `if ((x & ${1 << random(12)}u) == 0) y ^= ${c}u; else x -= ${c & 0xffff}u;`
    case 2:
      return `mem[(x >> ${random(20)}) & 255] += y;`
    case 3:
      return `y = (y << ${1 + random(30)}) | (y >> 3);`
    case 4:
      return `x ^= mem[(y >> ${random(20)}) & 255];`
    case 5:
      return `for (uint32_t i = 0; i < ${1 + random(3)}u; i++) y = y * 5u + (x >> i);`
    case 6:
      return `switch (x & 3) { case 0: y++; break; case 1: x = ~x; break; case 2: y ^= x; break; default: x += ${c & 0xff}u; }`
    default:
      return f > 0 ? `if ((y & 15u) == ${random(16)}u) x += b${random(f)}(y, x);` : 'x++;'
  }
}
