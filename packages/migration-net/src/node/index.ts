export { fileReader, fileWriter } from './file.ts'
export { SocketChannel, connect, listen, printSocket, spell, type Listening, type SocketAddress } from './socket.ts'
export {
  AddressError,
  openIncoming,
  openOutgoing,
  parseChannels,
  parseTcp,
  parseUri,
  type MigrationAddress,
} from './uri.ts'
