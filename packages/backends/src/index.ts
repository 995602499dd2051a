export { ESCAPE_HELP, EscapeFilter, type EscapeAction } from './escape.ts'
export { InputQueue } from './input-queue.ts'
