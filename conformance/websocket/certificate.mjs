// A key and a certificate of its own for this process, which nobody trusts.

import { createRequire } from 'node:module'

const load = createRequire(new URL('../../packages/ws-bridge/package.json', import.meta.url))

/** In PEM, as TLS servers take them. */
export async function certificate() {
  const { generate } = load('selfsigned')
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'a.example' }], {
    algorithm: 'sha256',
  })
  return { key, cert }
}
