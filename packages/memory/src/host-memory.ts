/**
 * The one WebAssembly memory of a machine: CPU state, soft-TLB, decoded records and guest RAM share it,
 * so that generated code reaches all of them with plain loads and stores.
 */

export const PAGE_SIZE = 4096
const WASM_PAGE = 65536

export interface HostMemoryOptions {
  /** Bytes in all; at most 4 GiB - 64 KiB. */
  readonly sizeBytes: number
  /** Over a SharedArrayBuffer, so that other threads can read RAM while the guest runs. */
  readonly shared?: boolean
}

export class HostMemory {
  readonly memory: WebAssembly.Memory
  readonly bytes: Uint8Array
  readonly shared: boolean
  private top = 0

  constructor(options: HostMemoryOptions) {
    const pages = Math.ceil(options.sizeBytes / WASM_PAGE)
    if (!(pages > 0 && pages < 65536))
      throw new RangeError(`host memory of ${options.sizeBytes} bytes: 1 byte to 4 GiB - 64 KiB`)
    this.shared = options.shared ?? false
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: this.shared })
    this.bytes = new Uint8Array(this.memory.buffer)
  }

  /** Reserves bytes, zeroed, and returns their offset in the memory. There is no free: a machine's layout is fixed. */
  allocate(sizeBytes: number, align = PAGE_SIZE): number {
    const at = Math.ceil(this.top / align) * align
    if (at + sizeBytes > this.bytes.length) {
      throw new RangeError(`host memory is full: ${sizeBytes} bytes wanted, ${this.bytes.length - at} left`)
    }
    this.top = at + sizeBytes
    return at
  }
}
