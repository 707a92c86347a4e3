import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/** Whose cookie it is: an address as the carrier names it, and what he drew. */
export interface Holder {
  readonly host: string
  readonly port: number
  readonly nonce: string
}

/** Milliseconds after which cookies are made with another secret; those of the one before are good for as long again. */
export const epochLength = 60_000
const macSize = 16

/**
 * Makes cookies and knows them again, and remembers nobody for it: whoever shows one has read what was sent to
 * his address in the last one to two minutes.
 */
export class CookieJar {
  readonly #draw: () => Uint8Array
  #epoch = -Infinity
  #secret: KeyObject | undefined
  #previous: KeyObject | undefined

  /** `draw` gives 32 random octets. */
  constructor(draw: () => Uint8Array = () => randomBytes(32)) {
    this.#draw = draw
  }

  /** An epoch of one octet, and a MAC. `now` is in milliseconds that only grow. */
  make(holder: Holder, now: number): Uint8Array {
    this.#turn(now)
    return Buffer.concat([Buffer.of(this.#epoch & 0xff), mac(this.#secret as KeyObject, holder)])
  }

  /** Whether `cookie` was made here for `holder`, and lately. */
  knows(cookie: Uint8Array, holder: Holder, now: number): boolean {
    this.#turn(now)
    const secret = this.#secretOf(cookie[0])
    return secret !== undefined && timingSafeEqual(cookie.subarray(1), mac(secret, holder))
  }

  #secretOf(epoch: number | undefined): KeyObject | undefined {
    if (epoch === (this.#epoch & 0xff)) return this.#secret
    return epoch === ((this.#epoch - 1) & 0xff) ? this.#previous : undefined
  }

  /** Looked at only when there is a cookie in hand: no timer has to run for it. */
  #turn(now: number): void {
    const epoch = Math.floor(now / epochLength)
    if (epoch === this.#epoch) return
    this.#previous = epoch === this.#epoch + 1 ? this.#secret : undefined
    this.#epoch = epoch
    // A key object: given raw bytes, some versions of Node take three to five times as long.
    this.#secret = createSecretKey(this.#draw())
  }
}

function mac(secret: KeyObject, { host, port, nonce }: Holder): Uint8Array {
  // The nonce has a fixed length and a port no colon: no two holders read the same.
  return createHmac('sha256', secret).update(`${nonce}${port}:${host}`).digest().subarray(0, macSize)
}
