import { createHash, X509Certificate } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'

import { ownNames } from './addresses.ts'
import { reasonOf } from './reason.ts'

/** What a server proves with who it is. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** Days for which browsers take a certificate at most: 398. */
const days = 397

/** Makes a certificate that vouches for itself, for every name and address of this machine. */
export async function makeIdentity(host: string): Promise<Identity> {
  // Much code, for those who ask for it.
  const { generate } = await import('selfsigned')
  const { names, addresses } = ownNames(host)
  // Clocks in a network are seldom quite the same.
  const notBeforeDate = new Date(Date.now() - 3_600_000)
  const made = await generate([{ name: 'commonName', value: 'fairlead' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate: new Date(notBeforeDate.getTime() + days * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  })
  return { cert: made.cert, key: made.private }
}

/** SHA-256 of the certificate, as browsers show it. @throws Error when there is none in it. */
export function fingerprintOf(cert: string): string {
  return createHash('sha256')
    .update(new X509Certificate(cert).raw)
    .digest('hex')
    .toUpperCase()
    .replaceAll(/..(?=.)/g, '$&:')
}

/** A certificate and a key that somebody keeps up to date. */
export class IdentityFiles {
  readonly cert: string
  readonly key: string

  constructor(cert: string, key: string) {
    this.cert = cert
    this.key = key
  }

  /** @throws Error that names the file that cannot be read. */
  async read(): Promise<Identity> {
    const [cert, key] = await Promise.all([readPem(this.cert), readPem(this.key)])
    return { cert, key }
  }

  /**
   * Calls back when one of the files has changed, by whatever way: written, replaced, or as the target of a link. It
   * looks every `interval` milliseconds, and keeps no process alive. Calling what is returned ends it.
   */
  watch(changed: () => void, interval: number): () => void {
    for (const file of [this.cert, this.key]) watchFile(file, { interval, persistent: false }, changed)
    return () => {
      for (const file of [this.cert, this.key]) unwatchFile(file, changed)
    }
  }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`Cannot read ${file}: ${reasonOf(error)}`, { cause: error })
  }
}
