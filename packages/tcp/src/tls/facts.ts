import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

import type { TlsFacts } from '@fairlead/core'

import type { TlsCertificate, Verdict } from './engine.ts'

/** What the handshake of one socket agreed on; it outlives the socket. */
export class HandshakeFacts implements TlsFacts {
  readonly protocol: string
  readonly cipher: string
  readonly alpn: string | undefined
  readonly serverName: string | undefined
  readonly authorized: boolean
  readonly authorizationError: string | undefined
  readonly resumed: boolean
  readonly peerCertificate: TlsCertificate | undefined

  constructor(socket: TLSSocket, verdict: Verdict) {
    const cipher = socket.getCipher()
    this.protocol = socket.getProtocol() ?? ''
    this.cipher = cipher.standardName ?? cipher.name
    this.alpn = socket.alpnProtocol || undefined
    this.serverName = serverNameOf(socket)
    this.authorized = verdict.authorized
    this.authorizationError = verdict.refusal
    this.resumed = socket.isSessionReused()
    this.peerCertificate = certificateOf(socket) ?? verdict.certificate
  }
}

/** Node 20 gives the certificate of a server away, and has none the second time. */
const certificates = new WeakMap<TLSSocket, X509Certificate>()

/** The certificate that the peer showed in this handshake. */
export function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  const certificate = certificates.get(socket) ?? peerCertificateOf(socket)
  if (certificate) certificates.set(socket, certificate)
  return certificate
}

function peerCertificateOf(socket: TLSSocket): X509Certificate | undefined {
  const certificate = socket.getPeerX509Certificate?.()
  if (certificate) return certificate
  // Deno has only the older form.
  const raw = (socket.getPeerCertificate() as { raw?: Buffer } | null)?.raw
  return raw && new X509Certificate(raw)
}

function serverNameOf(socket: TLSSocket): string | undefined {
  return (socket as { servername?: string | false | null }).servername || undefined
}
