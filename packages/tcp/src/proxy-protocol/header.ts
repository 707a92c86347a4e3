import { type Address, ProtocolError } from '@fairlead/core'

/** A type-length-value of a version 2 header (section 2.2). */
export interface Tlv {
  /** 0 to 255; 0xe0 to 0xef are the application's own (section 2.2.8). */
  readonly type: number
  readonly value: Uint8Array
}

/** What a PROXY protocol header says: on whose behalf the connection was made. */
export interface ProxyHeader {
  /** 1 is a line of text, 2 is binary. */
  readonly version: 1 | 2
  /** `local`: the proxy made the connection for itself, as for a health check. Version 1 has no word for it. */
  readonly command: 'proxy' | 'local'
  /** What the client speaks with the proxy: a stream, datagrams, or nothing that the header could name. */
  readonly transport: 'stream' | 'datagram' | 'unspecified'
  /** The client. Both addresses are there or neither is: `local` and `unspecified` have none. */
  readonly source?: Address
  /** Where the client connected to. */
  readonly destination?: Address
  /** In the order of the wire, without padding and checksum; `detailsOf` reads them. Version 1 has none. */
  readonly tlvs: readonly Tlv[]
}

/** What can be no PROXY protocol header. The words are all ours: nothing of what was received is in them. */
export function invalidHeader(why: string): ProtocolError {
  return new ProtocolError(`Cannot read PROXY header: ${why}`, { side: 'remote', phase: 'handshake' })
}
