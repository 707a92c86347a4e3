import type { IncomingMessage } from 'node:http'

/**
 * Why a 101 is no answer to a handshake, though `ws` takes it for one: RFC 6455 section 4.1 wants HTTP/1.1, and each
 * extension once; RFC 9110 sections 8.6 and 15.2 have no body behind it, whose bytes would be read as frames.
 */
export function faultOfAnswer({ httpVersion, headers }: IncomingMessage): string | undefined {
  if (httpVersion !== '1.1') return `the server answered in HTTP/${httpVersion}`
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
    return 'the server gave its 101 a body'
  }
  // Lines of one name are joined, and no parameter of permessage-deflate holds a comma.
  if (headers['sec-websocket-extensions']?.includes(',')) return 'the server agreed to an extension twice'
  return undefined
}
