export const LAB: string
export const RELEASES: readonly string[]
export const GODWIT: 'godwit'
export const HOW_TO_INSTALL: string
export function qemuOf(release: string): string
export function installed(): string[]
export function endAll(): void
