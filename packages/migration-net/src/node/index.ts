export { fileReader, fileWriter } from './file.ts'
export { SocketChannel, connect, listen, printSocket, spell, type Listening, type SocketAddress } from './socket.ts'
export {
  AddressError,
  openAllOutgoing,
  openIncoming,
  openOutgoing,
  parseChannels,
  parseTcp,
  parseUri,
  type Incoming,
  type MigrationAddress,
} from './uri.ts'
