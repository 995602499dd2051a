export { fileChar, type FileChar } from './file.ts'
export { socketChar, type CharAddress, type SocketChar } from './socket.ts'
export { stdioChar, type StdioChar, type StdioOptions, type TerminalInput, type TerminalOutput } from './stdio.ts'
