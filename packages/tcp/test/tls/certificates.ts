import { generate } from 'selfsigned'

/** A certificate and its key, as `tls` options take them. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

const named = (name: string): { name: string; value: string }[] => [{ name: 'commonName', value: name }]

/** An authority of its own, made on the spot. */
export class Authority {
  readonly cert: string
  readonly #key: string

  private constructor({ cert, key }: Identity) {
    this.cert = cert
    this.#key = key
  }

  static async create(name: string): Promise<Authority> {
    const made = await generate(named(name), {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    })
    return new Authority({ cert: made.cert, key: made.private })
  }

  /** A certificate for a server of these host names and addresses. */
  server(...names: [string, ...string[]]): Promise<Identity> {
    const altNames = names.map((name) =>
      /^[\d.]+$/.test(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
    )
    return this.#issue(names[0], [
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames },
    ])
  }

  client(name: string): Promise<Identity> {
    return this.#issue(name, [{ name: 'extKeyUsage', clientAuth: true }])
  }

  async #issue(
    name: string,
    extensions: NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>,
  ): Promise<Identity> {
    const made = await generate(named(name), {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { cert: this.cert, key: this.#key },
      extensions: [{ name: 'basicConstraints', cA: false }, ...extensions],
    })
    return { cert: made.cert, key: made.private }
  }
}

const authority = await Authority.create('Test authority')

/** The authority that everybody in a test believes. */
export const ca = authority.cert
export const a = await authority.server('a.example', 'localhost', '127.0.0.1')
export const b = await authority.server('b.example', '*.b.example')
/** Another one for the same name as {@link a}. */
export const newA = await authority.server('a.example', 'localhost', '127.0.0.1')
export const alice = await authority.client('alice')
/** Vouched for by somebody whom nobody knows. */
export const mallory = await (await Authority.create('Strange authority')).client('mallory')
