/** What a release does not tell itself, from a newer one. */

/** Compat properties for a release that does not tell them, from a newer one that knows the same machine types. */
export function withCompatOf(build, newer) {
  if (build.machines.every((m) => m.compat !== undefined)) return build
  if (newer === undefined)
    throw new Error(`QEMU ${build.release} does not tell its compat properties: name a newer release before it`)
  const own = build.machines.filter((m) => m.versioned)
  const newestOf = (family) => own.find((m) => m.name.startsWith(family)).name
  const machines = build.machines.map((m) => {
    const family = /^pc-(i440fx|q35)-/.exec(m.name)?.[0]
    if (family === undefined) return { ...m, compat: [] }
    const rows = rowsOf(newer, m.name)
    // Rows that the newer release added since this one are those of this release's own newest machine type.
    const later = rowsOf(newer, newestOf(family)).map(keyOf)
    const compat = rows.filter((row) => {
      const at = later.indexOf(keyOf(row))
      if (at >= 0) later.splice(at, 1)
      return at < 0 && has(build, row)
    })
    return { ...m, compat }
  })
  return { ...build, machines }
}

const keyOf = (row) => `${row.type}.${row.property}=${row.value}`

function rowsOf(build, name) {
  const found = build.machines.find((m) => m.name === name)
  if (found === undefined)
    throw new Error(`QEMU ${build.release} has no ${name}, whose compat properties are asked for`)
  return found.compat
}

/** A row that names a property the build does not have was added later than the release. */
function has(build, { type, property }) {
  if (type.endsWith('x86_64-cpu') && Object.values(build.cpus).some((cpu) => property in cpu)) return true
  const inherits = (t) => t === type || build.devices[t]?.parents.includes(type)
  const types = Object.keys(build.devices).filter(inherits)
  return types.some((t) => [t, ...build.devices[t].parents].some((u) => property in (build.devices[u]?.defaults ?? {})))
}

/**
 * Descriptions of sections that this release knows only from its stream: a class without a description of its own, or
 * none at all. A newer release's is taken where it has every line that the stream has; the stream's then goes.
 */
export function withDescriptionsOf(build, newer) {
  if (newer === undefined) return build
  const owners = new Map()
  for (const board of Object.values(newer.boards))
    for (const s of board.sections) if (s.type) owners.set(s.idstr, s.type)
  const devices = { ...build.devices }
  const numbered = !/^[1-9]\./.test(build.release)
  const sections = { ...build.sections }
  for (const [idstr, seen] of Object.entries(build.sections)) {
    const type = owners.get(idstr)
    const schema = type === undefined ? undefined : newer.devices[type].schema
    if (schema === undefined || schema.version !== seen.version || !covers(schema, seen)) continue
    devices[type] = { ...(devices[type] ?? { parents: [], defaults: {} }), schema }
    delete sections[idstr]
  }
  for (const [type, d] of Object.entries(devices)) {
    // A type may have been renamed; the name of its section is not.
    const alike = Object.values(newer.devices).find((n) => n.schema?.name === d.schema?.name)
    const there = (newer.devices[type] ?? alike)?.schema
    if (d.schema !== undefined && there !== undefined && !numbered)
      devices[type] = { ...d, schema: counted(d.schema, there) }
  }
  const taken = (s) => s.type === undefined && !(s.idstr in sections) && owners.has(s.idstr)
  const boards = Object.fromEntries(
    Object.entries(build.boards).map(([name, board]) => [
      name,
      { ...board, sections: board.sections.map((s) => (taken(s) ? { ...s, type: owners.get(s.idstr) } : s)) },
    ]),
  )
  return { ...build, devices, sections, boards }
}

const plain = (name) => name.replace(/\[\d+\]$/, '')

function covers(schema, seen) {
  return seen.fields.every((f) => {
    const there = schema.fields.find((g) => plain(g.name) === plain(f.name))
    if (there === undefined) return false
    return f.struct === undefined || (there.struct !== undefined && covers(there.struct, f.struct))
  })
}

/**
 * Dumps before 10.0 give the size of one element of an array and no number: where the same field of the newer release
 * has so many times the bytes, that number is taken. What a stream showed is there already.
 */
function counted(schema, newer) {
  const fields = schema.fields.map((f) => {
    const there = newer.fields.filter((g) => g.name === f.name)
    if (there.length !== 1) return f
    const [g] = there
    if (f.struct !== undefined && g.struct !== undefined) {
      const inner = { ...f, struct: counted(f.struct, g.struct) }
      return f.count === undefined && g.count !== undefined ? { ...inner, count: g.count } : inner
    }
    if (f.count !== undefined || f.struct !== undefined || f.size === 0) return f
    const bytes = g.size * (typeof g.count === 'number' ? g.count : 1)
    return bytes > f.size && bytes % f.size === 0 ? { ...f, count: bytes / f.size } : f
  })
  const subsections = schema.subsections.map((s) => {
    const there = newer.subsections.find((t) => t.name === s.name)
    return there === undefined ? s : counted(s, there)
  })
  return { ...schema, fields, subsections }
}
