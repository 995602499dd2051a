/** Executions of blocks, counted by generated code: what hot.ts is made from. */
import type { HostMemory } from '@godwit/memory'
import type { Insn } from '../decode/insn.ts'
import type { Mode } from '../tier0/mode.ts'
import { R } from '../tier0/record.ts'
import { lasts, leads } from '../tier0/sequences.ts'

/** How often a block was entered. */
export interface BlockCount {
  /** Key of the mode, as tier0/hot.ts has it. */
  readonly mode: number
  /** Linear address at which it was first met; 64-bit ones are sign-extended. */
  readonly rip: number
  count: number
  readonly insns: readonly {
    readonly handler: number
    readonly insn: Insn
    /** Bytes in hex. */
    readonly code: string
    /** What sequences allow. */
    readonly leads: boolean
    readonly lasts: boolean
  }[]
}

export class Profile {
  /** Host address of the counters, 8 bytes for each record; of the first record. */
  readonly at: number
  readonly records: number
  private readonly counters: BigInt64Array
  private readonly rip: () => number
  private readonly live = new Map<number, BlockCount>()
  private readonly gone: BlockCount[] = []

  /** @param rip where the processor is while a block is decoded: at its first instruction */
  constructor(host: HostMemory, records: number, recordBytes: number, rip: () => number) {
    const count = recordBytes / R.bytes
    this.rip = rip
    this.at = host.allocate(count * 8)
    this.records = records
    this.counters = new BigInt64Array(host.memory.buffer, this.at, count)
  }

  readonly note = (
    record: number,
    mode: Mode,
    insns: readonly Insn[],
    handlers: readonly number[],
    code: readonly string[],
  ): void => {
    this.retire(record)
    const rows = insns.map((insn, i) => ({
      handler: handlers[i]!,
      insn,
      code: code[i]!,
      leads: leads(insn),
      lasts: lasts(insn),
    }))
    this.live.set(record, { mode: mode.key, rip: this.rip(), count: 0, insns: rows })
  }

  /** Blocks that ran, most often first. */
  blocks(): BlockCount[] {
    for (const record of [...this.live.keys()]) this.retire(record)
    return this.gone.filter((b) => b.count > 0).sort((a, b) => b.count - a.count)
  }

  private retire(record: number): void {
    const block = this.live.get(record)
    if (block === undefined) return
    const i = (record - this.records) / R.bytes
    this.gone.push({ ...block, count: Number(this.counters[i]!) })
    this.counters[i] = 0n
  }
}
