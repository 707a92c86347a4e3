import { lookup as systemLookup } from 'node:dns'

import { type Address, ipAddress } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

import type { Candidates } from './race.ts'

type IpAddress = Address & { kind: 'ip' }
type Family = 4 | 6

/**
 * Literal addresses of a name, the best of each family first. May reject; is told by `signal` when nobody
 * waits any longer.
 */
export type Lookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** What to resolve. */
interface ResolutionOptions {
  readonly host: string
  readonly port: number
  /** One family only. Default: both. */
  readonly family?: Family | undefined
  /** Instead of the system's resolver. */
  readonly lookup?: Lookup | undefined
}

/** Milliseconds that IPv4 waits for IPv6 (RFC 8305 section 3). */
const resolutionDelay = 50

/** Codes of the system's resolver, for what an own one does. */
const notFound = 'ENOTFOUND'
const badAnswer = 'EBADRESP'
/** The name is known, or may be, but has no address of this family. */
const nothingHere = new Set([notFound, 'ENODATA', 'EAI_NODATA', 'EAI_ADDRFAMILY'])

/**
 * The addresses of a name, as they come in: IPv6 first, then the families in turn (RFC 8305 section 4, with a
 * First Address Family Count of 1).
 *
 * The system is asked for each family on its own, and at the same time, as RFC 8305 section 3 wants it: where
 * the question for one hangs, the answer to the other is used all the same. Asked for both at once, the
 * system would sort across the families (RFC 6724), but answers only when it has both; a wrong guess at the
 * better family costs one attempt's delay, a hung one all the time there is. `dns.lookup`, not `dns.resolve`,
 * so that names mean here what they mean to every other program of the machine.
 */
export class Resolution implements Candidates<IpAddress> {
  onChange: () => void = () => {}
  /** Why there are no addresses, if there are none. */
  error: Error | undefined
  readonly #options: ResolutionOptions
  readonly #found: Record<Family, IpAddress[]> = { 4: [], 6: [] }
  readonly #known = new Set<string>()
  readonly #abort: AbortController | undefined
  /** Questions without an answer yet. */
  #pending = 0
  #turn: Family = 6
  /** IPv4 is there and waits for IPv6. */
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Whether addresses may be given out. */
  #open = false
  #cancelled = false

  constructor(options: ResolutionOptions) {
    this.#options = options
    if (options.lookup) {
      this.#abort = new AbortController()
      this.#askOwn(options.lookup, this.#abort.signal)
    } else if (options.family) {
      this.#ask(options.family)
    } else {
      this.#ask(6)
      this.#ask(4)
    }
  }

  /** Whether there was an address, taken or not. */
  get found(): boolean {
    return this.#known.size > 0
  }

  get exhausted(): boolean {
    return this.#pending === 0 && this.#found[4].length === 0 && this.#found[6].length === 0
  }

  next(): IpAddress | undefined {
    if (!this.#open) return undefined
    const family = this.#found[this.#turn].length > 0 ? this.#turn : otherThan(this.#turn)
    const address = this.#found[family].shift()
    if (address) this.#turn = otherThan(family)
    return address
  }

  /** Nobody waits for more. A question to the system cannot be taken back: its answer is dropped. */
  cancel(): void {
    if (this.#cancelled) return
    this.#cancelled = true
    clearTimeout(this.#timer)
    if (this.#pending > 0) this.#abort?.abort()
  }

  #ask(family: Family): void {
    this.#pending++
    try {
      systemLookup(this.#options.host, { family, all: true }, (error, addresses) => {
        if (error) this.#failed(error, family)
        else this.#answered(addressesIn(addresses), family)
      })
    } catch (error) {
      // Nothing may come before the constructor is through.
      queueMicrotask(() => this.#failed(error, family))
    }
  }

  #askOwn(lookup: Lookup, signal: AbortSignal): void {
    this.#pending++
    const ask = async (): Promise<readonly string[]> => lookup(this.#options.host, signal)
    ask().then(
      (answer) => this.#answered(answer),
      (error: unknown) => this.#failed(error),
    )
  }

  #answered(answer: readonly string[], family?: Family): void {
    const { host, port, family: only } = this.#options
    let addresses: IpAddress[]
    try {
      if (!Array.isArray(answer)) throw new TypeError('Invalid answer: not a list of addresses')
      addresses = Array.from(answer, (address: string) => ipAddress(address, port))
    } catch (cause) {
      return this.#failed(
        failure(badAnswer, `the lookup of ${host} gave something else than addresses`, cause),
        family,
      )
    }
    const fitting = addresses.filter((address) => only === undefined || address.family === only)
    if (fitting.length === 0) {
      const what = only === undefined ? 'address' : `IPv${only} address`
      return this.#failed(failure(notFound, `${host} has no ${what}`), family)
    }
    for (const address of fitting) this.#add(address)
    this.#settled(family)
  }

  #add(address: IpAddress): void {
    const name = `${address.host}%${address.zone ?? ''}`
    if (this.#known.has(name)) return
    this.#known.add(name)
    this.#found[address.family].push(address)
  }

  #failed(reason: unknown, family?: Family): void {
    const error = reason instanceof Error ? reason : failure('', 'the lookup failed without an Error', reason)
    // That a name has no address of one family says less than why the other is not known.
    if (this.error === undefined || nothingHere.has(codeOf(this.error))) this.error = error
    this.#settled(family)
  }

  /** RFC 8305 section 3: IPv6 starts at once; IPv4 when IPv6 is settled, or has had its delay. */
  #settled(family: Family | undefined): void {
    this.#pending--
    if (this.#cancelled) return
    if (family !== 4 || this.#pending === 0) return this.#begin()
    if (this.#found[4].length > 0) this.#timer = setTimeout(() => this.#begin(), resolutionDelay)
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#open = true
    this.onChange()
  }
}

function otherThan(family: Family): Family {
  return family === 4 ? 6 : 4
}

/** Some runtimes leave out the list when it is empty. */
function addressesIn(answer: readonly { readonly address: string }[] | undefined): string[] {
  return (answer ?? []).map(({ address }) => address)
}

/** An error as the runtime's own resolver would give it. */
function failure(code: string, message: string, cause?: unknown): Error {
  const options = cause === undefined ? undefined : { cause }
  return Object.assign(new Error(message, options), code === '' ? undefined : { code })
}
