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
  const inherits = (t) => t === type || build.devices[t]?.parents.includes(type)
  const types = Object.keys(build.devices).filter(inherits)
  return types.some((t) => [t, ...build.devices[t].parents].some((u) => property in (build.devices[u]?.defaults ?? {})))
}
