import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'

import { codeOf } from '@fairlead/core/transport'

/** A certificate or a key in the text form of RFC 7468, as read from its file. */
export type Pem = string | Uint8Array

/** What one side proves with that it is who it says: a certificate and the key that belongs to it. */
export interface TlsIdentity {
  /** The certificate and, behind it, those between it and its authority. A list: one for each kind of key. */
  cert: Pem | readonly Pem[]
  /** The private key, or a list of them in the order of `cert`. */
  key: Pem | readonly Pem[]
  /** Opens the keys, if they are locked. */
  passphrase?: string
}

const oneCertificate = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]+-----END \1-----/g

/**
 * A context of the runtime with this identity. Bad certificates and keys are found here and named, because some
 * runtimes would only find them in the first handshake; what the messages say is never taken from a key.
 *
 * @throws TypeError that names the option: `name` stands before `.cert` and `.key`.
 */
export function contextOf(
  name: string,
  identity: Partial<TlsIdentity>,
  shared: SecureContextOptions,
): SecureContext {
  const { passphrase } = identity
  if (passphrase !== undefined && typeof passphrase !== 'string') {
    throw new TypeError(`Invalid option ${name}.passphrase: must be text`)
  }
  const options: SecureContextOptions = { ...shared }
  if (identity.cert !== undefined || identity.key !== undefined) {
    const certs = certificatesOf(`${name}.cert`, identity.cert)
    const keys = listOf(`${name}.key`, identity.key)
    checkKeys(name, certs, keys, passphrase)
    Object.assign(options, { cert: certs, key: keys }, passphrase === undefined ? {} : { passphrase })
  }
  try {
    return createSecureContext(options)
  } catch (error) {
    const option = codeOf(error) === 'ERR_SSL_NO_CIPHER_MATCH' ? 'tls.ciphers' : name
    throw new TypeError(`Invalid option ${option}: ${wordsOf(error)}`, { cause: error })
  }
}

/** Refuses what holds no certificate, or a broken one. An empty list is a list. */
export function certificatesOf(name: string, value: Pem | readonly Pem[] | undefined): Buffer[] {
  const files = listOf(name, value)
  for (const file of files) {
    const certificates = file.toString('latin1').match(oneCertificate) ?? []
    if (certificates.length === 0) throw new TypeError(`Invalid option ${name}: no PEM certificate in it`)
    for (const certificate of certificates) {
      if (!parses(() => new X509Certificate(certificate))) {
        throw new TypeError(`Invalid option ${name}: a certificate in it is broken`)
      }
    }
  }
  return files
}

function checkKeys(
  name: string,
  certs: readonly Buffer[],
  keys: readonly Buffer[],
  passphrase: string | undefined,
): void {
  if (certs.length === 0 || certs.length !== keys.length) {
    throw new TypeError(`Invalid option ${name}.key: there must be one key for each certificate`)
  }
  for (const [index, cert] of certs.entries()) {
    const key = parses(() =>
      createPrivateKey({ key: keys[index] as Buffer, ...(passphrase === undefined ? {} : { passphrase }) }),
    )
    if (!key) throw new TypeError(`Invalid option ${name}.key: not a PEM private key, or locked`)
    if (!new X509Certificate(cert).checkPrivateKey(key)) {
      throw new TypeError(
        `Invalid option ${name}.key: does not belong to the first certificate of ${name}.cert`,
      )
    }
  }
}

function listOf(name: string, value: Pem | readonly Pem[] | undefined): Buffer[] {
  const list = Array.isArray(value) ? (value as readonly Pem[]) : [value as Pem]
  return list.map((it) => {
    if (typeof it === 'string' || it instanceof Uint8Array) return Buffer.from(it as string)
    throw new TypeError(`Invalid option ${name}: must be PEM, as text or bytes`)
  })
}

function parses<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

/** OpenSSL's reason without its coordinates. */
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.slice(message.lastIndexOf(':') + 1).trim()
}
