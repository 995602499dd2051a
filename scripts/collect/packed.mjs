/** A build as text that can be compared: one machine, board or device a line; equal insides of structs stand once. */
export function packed(build) {
  const count = new Map()
  const visit = (schema) => {
    for (const f of schema.fields) {
      if (f.struct === undefined) continue
      const key = JSON.stringify(f.struct)
      count.set(key, (count.get(key) ?? 0) + 1)
      if (count.get(key) === 1) visit(f.struct)
    }
    for (const s of schema.subsections) visit(s)
  }
  for (const d of Object.values(build.devices)) if (d.schema !== undefined) visit(d.schema)
  for (const s of Object.values(build.sections)) visit(s)

  const structs = {}
  const names = new Map()
  const small = (schema) => ({
    ...schema,
    fields: schema.fields.map((f) => (f.struct === undefined ? f : { ...f, struct: reference(f.struct) })),
    subsections: schema.subsections.map(small),
  })
  const reference = (schema) => {
    const key = JSON.stringify(schema)
    if (count.get(key) === 1) return small(schema)
    let name = names.get(key)
    if (name === undefined) {
      name = schema.name
      for (let n = 2; name in structs; n++) name = `${schema.name} ${n}`
      names.set(key, name)
      structs[name] = null
      structs[name] = small(schema)
    }
    return name
  }
  const devices = mapped(build.devices, (d) => (d.schema === undefined ? d : { ...d, schema: small(d.schema) }))
  const sections = mapped(build.sections, small)

  const rows = []
  const compat = build.machines.map((m) => {
    const numbers = m.compat.map((c) => {
      const row = `${c.type}.${c.property}=${c.value}`
      if (!rows.includes(row)) rows.push(row)
      return rows.indexOf(row)
    })
    return { ...m, compat: numbers }
  })
  const { format, engine, release, boards, cpus } = build
  const parts = { rows, machines: compat, boards, devices, sections, structs, cpus }
  const body = Object.entries(parts).map(([key, part]) => `${JSON.stringify(key)}:${lines(part)}`)
  return `{"format":${format},"engine":"${engine}","release":"${release}",\n${body.join(',\n')}}\n`
}

const mapped = (record, f) => Object.fromEntries(Object.entries(record).map(([k, v]) => [k, f(v)]))

function lines(part) {
  if (Array.isArray(part)) return `[\n${part.map((v) => JSON.stringify(v)).join(',\n')}]`
  return `{\n${Object.entries(part)
    .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
    .join(',\n')}}`
}
