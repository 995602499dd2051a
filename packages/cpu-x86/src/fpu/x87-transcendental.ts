import type { X87 } from './x87-state.ts'
export const TRANSCENDENTAL: Readonly<Record<string, (fpu: X87) => void>> = {}
