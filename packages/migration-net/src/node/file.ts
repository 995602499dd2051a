import { open, type FileHandle } from 'node:fs/promises'
import { ChannelError, type Channel } from '../channel.ts'
import { spell } from './socket.ts'

const READ_BYTES = 1 << 20

/** A file that is written from its beginning; it is cut to nothing first. */
export async function fileWriter(path: string): Promise<Channel> {
  return new FileChannel(path, await openFile(path, 'w'), true, 0)
}

/** A file that is read, from an offset on. */
export async function fileReader(path: string, offset = 0): Promise<Channel> {
  return new FileChannel(path, await openFile(path, 'r'), false, offset)
}

async function openFile(path: string, flags: 'r' | 'w'): Promise<FileHandle> {
  try {
    return await open(path, flags)
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException
    throw new ChannelError(`file:${path}`, `cannot ${flags === 'r' ? 'read' : 'write'} ${path}: ${spell(error)}`, error)
  }
}

class FileChannel implements Channel {
  readonly name: string
  readonly duplex = false
  private readonly file: FileHandle
  private readonly writing: boolean
  private at: number
  private broken: string | undefined
  private last: Promise<unknown> = Promise.resolve()
  private closing: Promise<void> | undefined

  constructor(path: string, file: FileHandle, writing: boolean, offset: number) {
    this.name = `file:${path}`
    this.file = file
    this.writing = writing
    this.at = offset
  }

  send(bytes: Uint8Array): Promise<void> {
    const work = this.last.then(async () => {
      this.check(this.writing, 'written')
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, this.at).catch(this.fail)
        done += bytesWritten
        this.at += bytesWritten
      }
    })
    this.last = work.catch(() => undefined)
    return work
  }

  async receive(): Promise<Uint8Array | undefined> {
    if (this.writing) return undefined
    this.check(true, 'read')
    const buffer = new Uint8Array(READ_BYTES)
    const { bytesRead } = await this.file.read(buffer, 0, READ_BYTES, this.at).catch(this.fail)
    this.at += bytesRead
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead)
  }

  close(): Promise<void> {
    this.closing ??= this.last.then(() => this.file.close()).catch(() => undefined)
    return this.closing
  }

  abort(reason: string): void {
    this.broken ??= reason
    void this.close()
  }

  private check(possible: boolean, verb: string): void {
    if (this.broken !== undefined) throw new ChannelError(this.name, this.broken)
    if (this.closing !== undefined) throw new ChannelError(this.name, `${verb} after close`)
    if (!possible) throw new ChannelError(this.name, `cannot be ${verb}`)
  }

  private readonly fail = (thrown: unknown): never => {
    throw new ChannelError(this.name, spell(thrown as NodeJS.ErrnoException), thrown)
  }
}
