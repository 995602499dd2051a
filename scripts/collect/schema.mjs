/** QEMU's own tellings of its state, -dump-vmstate and the description behind a stream, as one Schema. */

/** A class's description from -dump-vmstate. Sizes of structs there are those of memory, so they are left out. */
export function fromDump(description) {
  const { name, version_id: version, minimum_version_id: minVersion } = description
  const fields = (description.Fields ?? []).map((f) => ({
    name: f.field,
    ...(/^unused/.test(f.field) ? { type: 'unused_buffer' } : {}),
    size: f.Description === undefined ? f.size : 0,
    ...(f.num === undefined ? {} : { count: f.num }),
    since: f.version_id,
    ...(f.field_exists ? { when: { kind: 'state', sentence: '' } } : {}),
    ...(f.Description === undefined ? {} : { struct: fromDump(f.Description) }),
  }))
  const subsections = (description.Subsections ?? []).map((s) => ({
    ...fromDump(s),
    when: { kind: 'state', sentence: '' },
  }))
  const empty = fields.length === 0 && subsections.length === 0
  return { name, version, minVersion, fields, subsections, ...(empty ? { unmigratable: true } : {}) }
}

/** What a stream's description tells: only what was sent, but with types, and with the lengths of arrays. */
export function fromStream(described) {
  const fields = []
  // Elements of an array follow one another, some numbered, some told as several of a kind.
  let inArray = false
  for (const f of described.fields) {
    const last = fields.at(-1)
    if (last?.name === f.name && (inArray || f.index > 0)) {
      last.count = (last.count ?? 1) + (f.array_len ?? 1)
      continue
    }
    inArray = f.index !== undefined || f.array_len !== undefined
    fields.push({
      name: f.name,
      type: f.type,
      size: f.struct === undefined && f.fields === undefined ? f.size : 0,
      ...(f.array_len === undefined ? {} : { count: f.array_len }),
      since: 0,
      ...(f.struct !== undefined ? { struct: fromStream(f.struct) } : {}),
      ...(f.fields !== undefined ? { struct: fromStream(f) } : {}),
    })
  }
  const name = described.vmsd_name ?? described.name
  const version = described.version ?? 0
  const subsections = (described.subsections ?? []).map((s) => ({
    ...fromStream(s),
    when: { kind: 'state', sentence: '' },
  }))
  return { name, version, minVersion: version, fields, subsections }
}

/** Adds to the dump's schema what the stream's knows better. */
export function refined(schema, seen) {
  if (seen === undefined) return schema
  const rest = [...seen.fields]
  const fields = schema.fields.map((f, i) => {
    // A name that a description has twice is numbered in the stream.
    const before = schema.fields.slice(0, i).filter((g) => g.name === f.name).length
    const names = [f.name, `${f.name}[${before}]`]
    const at = rest.findIndex((s) => names.includes(s.name) || (f.type === 'unused_buffer' && s.type === f.type))
    if (at < 0) return f
    const [s] = rest.splice(at, 1)
    const { name, since, when } = f
    const struct = f.struct === undefined ? undefined : refined(f.struct, s.struct)
    return {
      ...{ name, type: s.type, size: f.struct === undefined && f.size === 0 ? 0 : s.size },
      ...((f.count ?? s.count) === undefined ? {} : { count: f.count ?? s.count }),
      ...{ since, ...(when === undefined ? {} : { when }), ...(struct === undefined ? {} : { struct }) },
    }
  })
  const subsections = schema.subsections.map((s) => ({
    ...refined(
      s,
      seen.subsections.find((t) => t.name === s.name),
    ),
    when: s.when,
  }))
  return { ...schema, fields, subsections }
}
