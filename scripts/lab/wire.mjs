/** What a recorded migration says of each page, read without any of the receiver's code. */

const MULTIFD = { initial: 64, header: 1344, flags: 8, normal: 16, number: 24, zero: 32, block: 64, offsets: 320 }
const SYNC = 1
const PAGE = 4096
const ZEROES = Buffer.alloc(PAGE)

/**
 * @param vmstate the package @godwit/vmstate
 * @param {Buffer[]} connections the main channel, and those of multifd in any order
 * @returns {{ blocks: Map<string, Map<number, { round: number, by: string, number?: number, page: Buffer }[]>>, rounds: number }} by block and offset
 *   all that came for it; rounds are counted where the channels wait for each other. With multifd the pages of a guest
 *   that has stopped come in the last one, of `rounds`
 */
export function arrivals(vmstate, connections) {
  const blocks = new Map()
  let rounds = 0
  const put = (block, offset, arrival) => {
    const pages = blocks.get(block) ?? new Map()
    blocks.set(block, pages)
    pages.set(offset, [...(pages.get(offset) ?? []), arrival])
  }
  const multifd = connections.length > 1
  for (const bytes of connections) {
    if (bytes.readUInt32BE(0) === vmstate.MAGIC) rounds = takeMain(vmstate, bytes, multifd, put)
    else takeChannel(bytes, put)
  }
  return { blocks, rounds }
}

function takeMain(vmstate, bytes, multifd, put) {
  const items = [...vmstate.readWhole(bytes)]
  const flushes = items.some((item) => item.kind === 'ramFlush')
  let round = 0
  for (const [i, item] of items.entries()) {
    const arrival = (page) => put(item.block, item.pageOffset, { round: multifd ? round : i, by: 'main', page })
    if (item.kind === 'ramPage') arrival(Buffer.from(item.data))
    else if (item.kind === 'ramZero') arrival(ZEROES)
    else if (item.kind === (flushes ? 'ramFlush' : 'ramEos')) round++
  }
  return round
}

function takeChannel(bytes, put) {
  const by = `multifd/${bytes[24]}`
  let round = 0
  for (let at = MULTIFD.initial; at < bytes.length;) {
    const [flags, normal, zero] = ['flags', 'normal', 'zero'].map((field) => bytes.readUInt32BE(at + MULTIFD[field]))
    const number = Number(bytes.readBigUInt64BE(at + MULTIFD.number))
    const name = bytes.subarray(at + MULTIFD.block, at + MULTIFD.offsets)
    const block = name.toString('latin1', 0, name.indexOf(0))
    for (let i = 0; i < normal + zero; i++) {
      const from = at + MULTIFD.header + i * PAGE
      const page = i < normal ? bytes.subarray(from, from + PAGE) : ZEROES
      put(block, Number(bytes.readBigUInt64BE(at + MULTIFD.offsets + i * 8)), { round, by, number, page })
    }
    if ((flags & SYNC) !== 0) round++
    at += MULTIFD.header + normal * PAGE
  }
}

/** What must be in memory in the end; `torn` if that is left open, by two contents in one round. */
export function lastOf(history) {
  const last = history.reduce((most, { round }) => Math.max(most, round), -1)
  const pages = history.filter(({ round }) => round === last).map(({ page }) => page)
  const page = pages.at(-1) ?? ZEROES
  return { page, torn: pages.some((other) => Buffer.compare(other, page) !== 0) }
}
