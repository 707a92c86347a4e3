import { createHash, X509Certificate } from 'node:crypto'

import { generate } from 'selfsigned'

/** A certificate and its key, as `tls` options take them. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

type Options = NonNullable<Parameters<typeof generate>[1]>

const named = (name: string): { name: string; value: string }[] => [{ name: 'commonName', value: name }]

async function issue(name: string, options: Options): Promise<Identity> {
  const made = await generate(named(name), { keyType: 'ec', algorithm: 'sha256', ...options })
  return { cert: made.cert, key: made.private }
}

/** An authority, made on the spot. */
function authority(name: string): Promise<Identity> {
  return issue(name, {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
}

function server(by: Identity, ...names: [string, ...string[]]): Promise<Identity> {
  const altNames = names.map((name) =>
    /^[\d.]+$/.test(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
  )
  return issue(names[0], {
    ca: by,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  })
}

function client(by: Identity, name: string): Promise<Identity> {
  return issue(name, {
    ca: by,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', clientAuth: true },
    ],
  })
}

const [known, strange] = await Promise.all([authority('Known'), authority('Strange')])

/** The authority that everybody in a test believes. */
export const ca = known.cert
/** The first two are for the same names. */
export const [a, newA, b, alice, mallory] = await Promise.all([
  server(known, 'a.example', 'localhost', '127.0.0.1'),
  server(known, 'a.example', 'localhost', '127.0.0.1'),
  server(known, 'b.example'),
  client(known, 'alice'),
  client(strange, 'mallory'),
])

/** As `getPeerCertificate` tells it. */
export function fingerprintOf(pem: string): string {
  const hex = createHash('sha256').update(new X509Certificate(pem).raw).digest('hex').toUpperCase()
  return hex.replaceAll(/..(?=.)/g, '$&:')
}
