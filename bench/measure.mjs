/** The order of a comparison: fresh guests every round, and each workload on one engine after another. */
import { GuestLost, GuestProcess } from './guest-process.mjs'

/**
 * All guests of a round are up at the same time, and the processes of those that have nothing to do are stopped: so the
 * engines take turns within seconds, and what disturbs the host for minutes disturbs all of them.
 *
 * @param {import('./engines.mjs').Engine[]} engines
 * @param {import('./engines.mjs').Guest} guest
 * @param {{ workloads: string[], rounds: number, reps: number, timeout: number }} o
 * @param {(line: string) => void} say progress
 */
export async function measure(engines, guest, o, say) {
  const boots = []
  const runs = []
  const ends = []
  const failures = []
  for (let round = 1; round <= o.rounds; round++) {
    const order = rotated(engines, round - 1)
    const guests = new Map()
    const start = async (engine) => {
      const one = new GuestProcess(engine, guest)
      guests.set(engine, undefined)
      try {
        await one.boot(o.timeout)
        one.freeze()
        guests.set(engine, one)
      } catch (thrown) {
        one.kill()
        failures.push(failure(thrown, { engine: engine.name, round, what: 'boot' }, say))
        return
      }
      boots.push({ engine: engine.name, round, seconds: one.bootSeconds, cpu_s: one.bootCpuSeconds })
      say(`round ${round}  boot          ${engine.title.padEnd(9)} ${one.bootSeconds.toFixed(2)} s`)
    }
    for (const engine of order) await start(engine)
    for (const [i, name] of o.workloads.entries()) {
      for (let rep = 1; rep <= o.reps; rep++) {
        for (const engine of rotated(order, i)) {
          const one = guests.get(engine)
          if (one === undefined) continue
          const where = { engine: engine.name, round, rep, what: name }
          try {
            one.thaw()
            const run = await one.run(name, o.timeout)
            one.freeze()
            runs.push({ name, engine: engine.name, round, rep, ...run })
            say(`round ${round}  ${name.padEnd(12)}  ${engine.title.padEnd(9)} ${run.host_s.toFixed(2)} s`)
          } catch (thrown) {
            failures.push(failure(thrown, where, say))
            one.kill()
            await start(engine)
          }
        }
      }
    }
    for (const [engine, one] of guests) {
      if (one === undefined) continue
      one.thaw()
      const mine = [...runs, ...boots].filter((r) => r.engine === engine.name && r.round === round)
      const busy = mine.reduce((sum, r) => sum + r.cpu_s, 0)
      const idle_cpu_s = one.cpuSeconds() - busy
      const memory = one.memory()
      await one.off()
      ends.push({ engine: engine.name, round, ...memory, idle_cpu_s, said: one.said.trim().split('\n') })
    }
  }
  return { boots, runs, ends, failures }
}

function failure(thrown, where, say) {
  if (!(thrown instanceof GuestLost)) throw thrown
  say(`FAILED ${where.what}: ${thrown.message}`)
  return { ...where, message: thrown.message }
}

const rotated = (list, by) => list.map((_, i) => list[(i + by) % list.length])
