/** Follows a stream on its way and knows where its sections begin. */

const nameOf = (item) => {
  switch (item.kind) {
    case 'header':
    case 'configuration':
    case 'eof':
    case 'vmdescription':
      return item.kind
    case 'command':
      return `${item.command}${item.command === 'PING' ? ` ${Buffer.from(item.data).readUInt32BE(0)}` : ''}`
    case 'sectionStart':
      return `ram ${item.type}`
    case 'device':
      return `${item.idstr}/${item.instance}`
    default:
      return undefined
  }
}

export class Tracker {
  #reader
  /** Where each part of the stream began, by its name; of several of one name the first. */
  borders = new Map()

  /** @param vmstate the package @godwit/vmstate @param machine one of the source's type; its state is overwritten */
  constructor(vmstate, machine) {
    const sections = new Map(machine.sections.map((s) => [`${s.idstr}/${s.instance}`, s]))
    this.#reader = new vmstate.StreamReader({
      decode: ({ idstr, instance, version }, reader) => {
        const section = sections.get(`${idstr}/${instance}`)
        if (section === undefined) throw new Error(`the machine has no section ${idstr}/${instance}`)
        vmstate.load(section.vmstate, section.state, reader, version)
        return section
      },
    })
  }

  feed(bytes) {
    this.#reader.feed(bytes)
    for (let item = this.#reader.next(); item !== undefined; item = this.#reader.next()) {
      const name = nameOf(item)
      if (name !== undefined && !this.borders.has(name)) this.borders.set(name, item.offset)
    }
  }

  /** Bytes that belong to items which have been read whole. */
  get offset() {
    return this.#reader.offset
  }
}

const MULTIFD_MAGIC = 0x11223344
const CHANNEL_AT = 24

/** Tells connections apart by how they begin: "main", or "multifd/0" and so on. */
export function channelNames() {
  const names = new Map()
  return (bytes, offset, connection) => {
    if (offset === 0) {
      const beside = bytes.length > CHANNEL_AT && bytes.readUInt32BE(0) === MULTIFD_MAGIC
      names.set(connection, beside ? `multifd/${bytes[CHANNEL_AT]}` : 'main')
    }
    return names.get(connection)
  }
}

/**
 * Breaks a connection at an offset, or the main one where a part begins or some bytes beyond; or turns all bits of the byte
 * there.
 */
export function spoilerOf({ fault, at, border, beyond = 0, channel = 'main' }, tracker) {
  const nameOfChannel = channelNames()
  let held = Buffer.alloc(0)
  let done = false
  return {
    /** Whether the fault has happened. */
    get done() {
      return done
    },
    spoil(bytes, offset, connection) {
      const name = nameOfChannel(bytes, offset, connection)
      if (name === 'main') tracker.feed(bytes)
      if (name !== channel || done) return { pass: bytes }
      if (border === undefined) {
        if (at < offset || at >= offset + bytes.length) return { pass: bytes }
        done = true
        if (fault === 'cut') return { pass: bytes.subarray(0, at - offset), cut: true }
        const pass = Buffer.from(bytes)
        pass[at - offset] ^= 0xff
        return { pass }
      }
      // what is not read whole yet may be the beginning of the part
      held = Buffer.concat([held, bytes])
      const start = offset + bytes.length - held.length
      const place = tracker.borders.get(border)
      const here = offset + bytes.length
      done = place !== undefined && place + beyond <= here
      const end = (done ? place + beyond : place === undefined ? tracker.offset : here) - start
      const pass = held.subarray(0, end)
      held = held.subarray(end)
      return { pass, cut: done }
    },
  }
}
