export interface Entry {
  readonly path: string
  readonly mode: number
  readonly data?: Uint8Array
  readonly device?: readonly [major: number, minor: number]
}
export declare function cpio(entries: readonly Entry[]): Buffer
export declare function buildInitrd(arch: 'amd64' | 'i386'): Buffer
