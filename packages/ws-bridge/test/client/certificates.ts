import { generate } from 'selfsigned'

/** A certificate and its key, as `tls` options take them. */
interface Identity {
  readonly cert: string
  readonly key: string
}

async function issue(
  name: string,
  by?: Identity,
  use: 'serverAuth' | 'clientAuth' = 'serverAuth',
): Promise<Identity> {
  const authority = [
    { name: 'basicConstraints' as const, cA: true, critical: true },
    { name: 'keyUsage' as const, keyCertSign: true, cRLSign: true, critical: true },
  ]
  const altNames = [
    { type: 2 as const, value: 'localhost' },
    { type: 7 as const, ip: '127.0.0.1' },
  ]
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(by && { ca: by }),
    extensions: by
      ? [
          { name: 'extKeyUsage', [use]: true },
          { name: 'subjectAltName', altNames },
        ]
      : authority,
  })
  return { cert: made.cert, key: made.private }
}

const known = await issue('Known')

/** The authority that everybody in a test believes. */
export const ca = known.cert

/** Of a server that is `localhost`, and of a client. */
export const [localhost, alice] = await Promise.all([
  issue('localhost', known),
  issue('alice', known, 'clientAuth'),
])
