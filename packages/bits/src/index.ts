export { EndOfBytes, Reader, Writer, fromLatin1, latin1 } from './bytes.ts'
export { fromBcd, toBcd } from './bcd.ts'
export { distance, nearest } from './nearest.ts'
