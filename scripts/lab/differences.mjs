/** Two streams of one stopped guest, compared field by field and page by page. */

/** Seconds, minutes, hours, weekday, day, month, year, century: the RTC goes on while the guest stands still. */
const CLOCK_BYTES = [0, 2, 4, 6, 7, 8, 9, 0x32]

/** Copies of a section without what is the business of the process that writes it. */
const FREE = {
  // how the guest shall go on: QEMU had been told to wait
  globalstate: () => undefined,
  // a receiver moves a keyboard's queue to the beginning of its buffer: only what waits in it counts
  ps2kbd: (tree) => withoutPlaces(tree),
  ps2mouse: (tree) => withoutPlaces(tree),
  mc146818rtc: (tree) => ({
    ...tree,
    fields: tree.fields.map((f) => (f.name === 'cmos_data' ? { ...f, value: withoutClock(f.value) } : f)),
  }),
}

function withoutPlaces(tree) {
  const fields = tree.fields.map((f) => (isTree(f.value) ? { ...f, value: withoutPlaces(f.value) } : f))
  const [data, rptr, count] = ['queue.data', 'queue.rptr', 'queue.count'].map(
    (name) => fields.find((f) => f.name === name)?.value,
  )
  if (data === undefined || rptr === undefined || count === undefined) return { ...tree, fields }
  const waiting = Array.from({ length: count }, (_, i) => data[(rptr + i) % data.length])
  const kept = fields.filter((f) => !['queue.rptr', 'queue.wptr'].includes(f.name))
  return { ...tree, fields: kept.map((f) => (f.name === 'queue.data' ? { ...f, value: waiting } : f)) }
}

function withoutClock(cmos) {
  const copy = Uint8Array.from(cmos)
  for (const at of CLOCK_BYTES) copy[at] = 0
  return copy
}

/**
 * @param vmstate the package @godwit/vmstate
 * @param {Buffer[]} ours @param {Buffer[]} theirs each the main channel, and those of multifd in any order
 * @returns {string[]} a line for each difference that the format does not leave free
 */
export function streamDifferences(vmstate, ours, theirs) {
  const [a, b] = [ours, theirs].map((channels) => contents(vmstate, channels))
  const out = []
  if (a.machine !== b.machine) out.push(`machine ${a.machine}, theirs ${b.machine}`)
  for (const key of new Set([...a.sections.keys(), ...b.sections.keys()])) {
    const [x, y] = [a.sections.get(key), b.sections.get(key)]
    if (x === undefined || y === undefined) {
      out.push(`${key}: only in ${x === undefined ? 'theirs' : 'ours'}`)
      continue
    }
    if (x.version !== y.version) out.push(`${key}: version ${x.version}, theirs ${y.version}`)
    if (Buffer.compare(Buffer.from(x.payload), Buffer.from(y.payload)) === 0) continue
    const [left, right] = [x.value, y.value].map(FREE[x.idstr] ?? ((tree) => tree))
    if (left !== undefined) compareTrees(left, right, key, out)
  }
  for (const key of new Set([...a.blocks.keys(), ...b.blocks.keys()])) {
    if (a.blocks.get(key) !== b.blocks.get(key))
      out.push(`block ${key}: ${a.blocks.get(key)} bytes, theirs ${b.blocks.get(key)}`)
  }
  const pages = [...new Set([...a.pages.keys(), ...b.pages.keys()])].filter(
    (k) => !samePage(a.pages.get(k), b.pages.get(k)),
  )
  for (const page of pages.slice(0, 8)) out.push(`page ${page}: other content`)
  if (pages.length > 8) out.push(`${pages.length - 8} more pages with other content`)
  return out
}

function contents(vmstate, channels) {
  const isMain = (bytes) => bytes.readUInt32BE(0) === vmstate.MAGIC
  const bytes = channels.find(isMain)
  if (bytes === undefined) throw new Error('no connection carried a stream')
  const sections = new Map()
  const blocks = new Map()
  const pages = new Map()
  let machine = ''
  for (const item of vmstate.readWhole(bytes)) {
    if (item.kind === 'configuration') machine = item.machine
    else if (item.kind === 'ramBlockList') for (const { name, length } of item.blocks) blocks.set(name, length)
    else if (item.kind === 'ramPage') pages.set(`${item.block}+${item.pageOffset}`, item.data)
    else if (item.kind === 'ramZero') pages.delete(`${item.block}+${item.pageOffset}`)
    else if (item.kind === 'device') sections.set(`${item.idstr}/${item.instance}`, item)
  }
  // a stopped guest's page travels once, so the channels need no order
  for (const channel of channels.filter((c) => !isMain(c))) {
    for (const { key, data } of multifdPages(channel)) pages.set(key, data)
  }
  return { machine, sections, blocks, pages }
}

const MULTIFD = { initial: 64, header: 1344, normal: 16, zero: 32, block: 64, offsets: 320, page: 4096 }

/** Pages in the packets of a multifd channel, uncompressed; zero pages without data. */
function* multifdPages(channel) {
  for (let at = MULTIFD.initial; at < channel.length;) {
    const [normal, zero] = [MULTIFD.normal, MULTIFD.zero].map((field) => channel.readUInt32BE(at + field))
    const name = channel.subarray(at + MULTIFD.block, at + MULTIFD.offsets)
    const block = name.toString('latin1', 0, name.indexOf(0))
    const first = at + MULTIFD.header
    for (let i = 0; i < normal + zero; i++) {
      const key = `${block}+${Number(channel.readBigUInt64BE(at + MULTIFD.offsets + i * 8))}`
      const from = first + i * MULTIFD.page
      yield { key, data: i < normal ? channel.subarray(from, from + MULTIFD.page) : undefined }
    }
    at = first + normal * MULTIFD.page
  }
}

const isZero = (page) => page === undefined || page.every((byte) => byte === 0)
const samePage = (a, b) => (a === undefined || b === undefined ? isZero(a) && isZero(b) : Buffer.compare(a, b) === 0)
const isTree = (value) => typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)

function compareTrees(a, b, path, out) {
  // releases spell a few names differently, so fields go by their order
  const count = Math.max(a.fields.length, b.fields.length)
  for (let i = 0; i < count; i++) {
    const [x, y] = [a.fields[i], b.fields[i]]
    if (x === undefined || y === undefined)
      out.push(`${path}.${(x ?? y).name}: only in ${x === undefined ? 'theirs' : 'ours'}`)
    else compareValues(x.value, y.value, `${path}.${y.name}`, out)
  }
  for (const name of new Set([...a.subsections, ...b.subsections].map((s) => s.name))) {
    const [x, y] = [a, b].map((tree) => tree.subsections.find((s) => s.name === name))
    if (x === undefined || y === undefined) out.push(`${path}<${name}>: only in ${x === undefined ? 'theirs' : 'ours'}`)
    else compareTrees(x, y, `${path}<${name}>`, out)
  }
}

function compareValues(a, b, path, out) {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.max(a.length, b.length); i++) compareValues(a[i], b[i], `${path}[${i}]`, out)
  } else if (a instanceof Uint8Array && b instanceof Uint8Array) {
    const at = a.length === b.length ? a.findIndex((byte, i) => byte !== b[i]) : 0
    if (at >= 0) out.push(`${path}+${at}: ${hex(a, at)}, theirs ${hex(b, at)}`)
  } else if (isTree(a ?? 0) && isTree(b ?? 0)) compareTrees(a, b, path, out)
  else if (a !== b) out.push(`${path}: ${number(a)}, theirs ${number(b)}`)
}

const hex = (bytes, at) => Buffer.from(bytes.subarray(at, at + 16)).toString('hex')
const number = (value) =>
  typeof value === 'number' || typeof value === 'bigint'
    ? `${value} (0x${BigInt.asUintN(64, BigInt(value)).toString(16)})`
    : String(value)
