import type { DistantSection } from '@godwit/migration-net'
import type { DescribedDevice, PartialReader } from '@godwit/vmstate'
import type { SectionShape } from './messages.ts'
import type { ThreadLink } from './thread-link.ts'

/** A section of a machine on another thread: it is saved, described and loaded there. */
export class RemoteSection implements DistantSection {
  readonly idstr: string
  readonly instance: number
  readonly version: number
  private readonly link: ThreadLink
  private readonly index: number

  constructor(link: ThreadLink, index: number, { idstr, instance, version }: SectionShape) {
    this.link = link
    this.index = index
    this.idstr = idstr
    this.instance = instance
    this.version = version
  }

  save(): Uint8Array {
    return this.link.ask('save', [this.index])
  }

  describe(): DescribedDevice {
    return this.link.ask('describe', [this.index])
  }

  load(reader: PartialReader, version: number): void {
    const rest = reader.data.slice(reader.at)
    reader.skip(this.link.ask('load', [this.index, rest, reader.offset, version]))
  }

  afterLoad(version: number): void {
    this.link.ask('afterLoad', [this.index, version])
  }
}
