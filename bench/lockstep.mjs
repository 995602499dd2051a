/**
 * Two machines that must stay equal, compared at exact counts of instructions; the first count after which they differ is
 * found by halving, from a copy of the last equal state, or, if a copy behaves, by running both again from the start.
 */
const MOST_BYTES = 12
const PAGE = 4096

/**
 * One of the two. `runFor` executes exactly so many instructions, fewer if the guest came to its end; @returns how many.
 * @typedef {{ machine: import('../packages/machines/dist/index.js').Machine, runFor(instructions: number): number }} Lane
 *
 * What @godwit/vmstate has, of the same build as the machines.
 * @typedef {Pick<typeof import('../packages/vmstate/dist/index.js'), 'saveBytes' | 'loadBytes'>} Codec
 *
 * @typedef {object} Difference
 * @property {string[]} sections that differ, as "name/instance"
 * @property {{ block: string, offset: number, first: number, second: number }[]} bytes the first of RAM that differ
 * @property {number} pages of RAM that differ
 */

const sectionsOf = (machine, codec) =>
  machine.sections.map((s) => {
    s.beforeSave?.()
    return Buffer.from(codec.saveBytes(s.vmstate, s.state))
  })

/**
 * @param {Lane['machine']} a
 * @param {Lane['machine']} b
 * @param {Codec} codec
 * @returns {Difference | undefined}
 */
export function differenceOf(a, b, codec) {
  const [mine, others] = [sectionsOf(a, codec), sectionsOf(b, codec)]
  const sections = a.sections.flatMap((s, i) => (mine[i].equals(others[i]) ? [] : [`${s.idstr}/${s.instance}`]))
  const bytes = []
  let pages = 0
  a.ramBlocks.forEach((block, i) => {
    const other = b.ramBlocks[i]
    if (Buffer.compare(block.bytes, other.bytes) === 0) return
    for (let at = 0; at < block.size; at += PAGE) {
      const [x, y] = [block, other].map((r) => r.bytes.subarray(at, at + PAGE))
      if (Buffer.compare(x, y) === 0) continue
      pages++
      for (let k = 0; k < x.length && bytes.length < MOST_BYTES; k++) {
        if (x[k] !== y[k]) bytes.push({ block: block.name, offset: at + k, first: x[k], second: y[k] })
      }
    }
  })
  return sections.length === 0 && pages === 0 ? undefined : { sections, bytes, pages }
}

/** A state to go back to; its buffers are used again. */
class Copy {
  #codec
  #ram = []
  #sections = []
  at = 0

  constructor(codec) {
    this.#codec = codec
  }

  take(machine, at) {
    machine.ramBlocks.forEach((block, i) => (this.#ram[i] ??= Buffer.alloc(block.size)).set(block.bytes))
    this.#sections = sectionsOf(machine, this.#codec)
    this.at = at
  }

  /** Into a machine that has not run. */
  put(machine) {
    machine.ramBlocks.forEach((block, i) => block.write(0, this.#ram[i]))
    machine.sections.forEach((s, i) => this.#codec.loadBytes(s.vmstate, s.state, this.#sections[i], s.version))
    for (const s of machine.sections) s.afterLoad?.(s.version)
  }
}

/**
 * @param {object} o
 * @param {[(at: number) => Lane, (at: number) => Lane]} o.make makes either machine, powered on; told the count of
 *   instructions at which it will stand, which is 0 unless a copied state is put into it
 * @param {number} o.every instructions between two comparisons
 * @param {number} o.until instructions after which it is enough
 * @param {(at: number) => void} [o.say] told of every comparison that found nothing
 * @param {Codec} o.codec
 * @returns {{ at: number } | { at: number, equalAt: number, difference: Difference, lanes: [Lane, Lane],
 *   back(instructions: number): Lane, how: 'copy' | 'replay' }} how far they were equal; or the first count at which
 *   they are not, with both machines there, and one of the first kind any number of instructions before
 */
export function lockstep({ make, every, until, codec, say = () => undefined }) {
  const lanes = make.map((m) => m(0))
  const copy = new Copy(codec)
  const compare = ([a, b]) => differenceOf(a.machine, b.machine, codec)
  let at = 0
  const first = compare(lanes)
  if (first !== undefined) return found({ make, copy, at: 0, lanes, difference: first, how: 'copy' })
  for (;;) {
    copy.take(lanes[0].machine, at)
    const step = Math.min(every, until - at)
    if (step <= 0) return { at }
    const [ran, other] = lanes.map((lane) => lane.runFor(step))
    const difference = compare(lanes)
    if (difference !== undefined || ran !== other) return narrow({ make, copy, compare, every, step })
    at += ran
    say(at)
    if (ran < step) return { at }
  }
}

/** The machines differ after `step` more instructions: the least number of which that is true. */
function narrow({ make, copy, compare, every, step }) {
  const fromCopy = (k) => {
    const lanes = make.map((m) => m(copy.at))
    for (const { machine } of lanes) copy.put(machine)
    for (const lane of lanes) lane.runFor(k)
    return lanes
  }
  const replayed = (k) => {
    const lanes = make.map((m) => m(0))
    for (const lane of lanes) {
      for (let done = 0; done < copy.at; done += every) lane.runFor(Math.min(every, copy.at - done))
      lane.runFor(k)
    }
    return lanes
  }
  const how = compare(fromCopy(step)) === undefined ? 'replay' : 'copy'
  const reach = how === 'copy' ? fromCopy : replayed
  let [equal, unequal] = [0, step]
  while (unequal - equal > 1) {
    const middle = equal + Math.floor((unequal - equal) / 2)
    if (compare(reach(middle)) === undefined) equal = middle
    else unequal = middle
  }
  const lanes = reach(unequal)
  return found({ make, copy, at: copy.at + unequal, lanes, difference: compare(lanes), how })
}

function found({ make, copy, at, lanes, difference, how }) {
  const back = (instructions) => {
    const lane = make[0](copy.at)
    if (copy.at > 0) copy.put(lane.machine)
    lane.runFor(Math.max(0, at - instructions - copy.at))
    return lane
  }
  return { at, equalAt: copy.at, difference, lanes, back, how }
}
