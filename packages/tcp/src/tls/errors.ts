import { type Address, BrokenError, ProtocolError, SocketError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

/** Codes of OpenSSL, as every runtime gives them. */
const engineCode = /^ERR_(?:SSL|OSSL|TLS|BORINGSSL)_/
/** Why a certificate was not believed, in OpenSSL's names: `CERT_HAS_EXPIRED`. The system's have no underscore. */
const verdictCode = /^(?!ERR_)[A-Z0-9]+_/

/**
 * An error that TLS reported: a {@link ProtocolError} where the peer spoke it badly or is not believed, a
 * {@link BrokenError} where the network or a callback failed.
 */
export function tlsErrorOf(error: unknown, attempt: string, peer: Address): SocketError {
  const options = { phase: 'tls', peer, cause: error }
  if (error instanceof ProtocolError)
    return new ProtocolError(`${attempt}: ${error.message}`, { ...options, side: error.side })
  if (SocketError.is(error)) return error
  const code = codeOf(error)
  if (!engineCode.test(code) && !verdictCode.test(code))
    return new BrokenError(`${attempt}: ${reasonOf(error)}`, options)
  const reason = code.startsWith('ERR_SSL_') ? wordsOf(code) : reasonOf(error)
  return new ProtocolError(`${attempt}: ${reason}`, { ...options, side: 'remote' })
}

/** Whether TLS itself failed, and not the network under it. */
export function isTlsError(error: unknown): boolean {
  return engineCode.test(codeOf(error))
}

/** `ERR_SSL_NO_APPLICATION_PROTOCOL` is `no application protocol`. */
function wordsOf(code: string): string {
  return code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ')
}
