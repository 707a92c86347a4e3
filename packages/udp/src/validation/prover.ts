import { type Frame, looksLikeFrame, nonceSize, readFrame, staleSize } from './frames.ts'
import { Handshake } from './handshake.ts'

/** Whom a {@link Prover} works for. */
export interface ProverOwner {
  /** Sends a control datagram; it may be lost. */
  pass(data: Uint8Array): void
  /** The server knows this end now. */
  proved(): void
  /** It does not: it refused, or said nothing in time. */
  failed(why: 'refused' | 'silent'): void
}

/** Where time and chance come from. */
export interface ProverSource {
  now(): number
  random(): number
  /** 16 octets that nobody can guess, as Latin-1. */
  nonce(): string
}

/** Milliseconds between two handshakes that the server's word alone began: anybody can write its address. */
const rest = 1_000
/** Milliseconds without a word after which a short datagram is not sent without asking. */
const doubtAfter = 5_000

/**
 * Proves to a server that this end reads what is sent to its address: at first, and again whenever the server
 * says that it does not know it. Its nonce stays the same, so that a session that is there goes on.
 */
export class Prover {
  readonly #owner: ProverOwner
  readonly #source: ProverSource
  readonly #nonce: string
  #handshake: Handshake | undefined
  #repeat: ReturnType<typeof setTimeout> | undefined
  readonly #allowance: number
  #deadline = 0
  #notBefore = 0
  #doubtAt = 0
  #heard = true

  /** `allowance`: milliseconds that a handshake may take. */
  constructor(owner: ProverOwner, allowance: number, source: ProverSource) {
    this.#owner = owner
    this.#allowance = allowance
    this.#source = source
    this.#nonce = source.nonce()
  }

  /** Begins a handshake, unless one is under way; it may take so many milliseconds. */
  begin(allowance: number = this.#allowance): void {
    if (this.#handshake) return
    this.#deadline = this.#source.now() + allowance
    this.#handshake = new Handshake(this.#nonce, () => this.#source.random())
    this.#send(this.#handshake)
  }

  /** Whether a datagram was for this and not for the application. */
  takes(data: Uint8Array): boolean {
    this.#heard = true
    const frame = looksLikeFrame(data) ? readFrame(data) : undefined
    if (!frame || (frame.type !== 'stale' && frame.nonce !== this.#nonce)) return false
    if (frame.type === 'stale') this.#beginAgain()
    else this.#proceed(frame)
    return true
  }

  /** A datagram is to be sent. A short one would not be answered with `stale`, so it is asked for now and then. */
  sending(bytes: number): void {
    if (bytes >= staleSize || this.#handshake) return
    const now = this.#source.now()
    if (this.#heard) {
      this.#heard = false
      this.#doubtAt = now + doubtAfter
    } else if (now >= this.#doubtAt) {
      this.#doubtAt = now + doubtAfter
      this.#beginAgain()
    }
  }

  /** Ends what is under way, and says nothing more of it. */
  stop(): void {
    clearTimeout(this.#repeat)
    this.#handshake = undefined
  }

  /** The server says that it does not know this end, or somebody in its name: or that is what its silence means. */
  #beginAgain(): void {
    const now = this.#source.now()
    if (this.#handshake || now < this.#notBefore) return
    this.#notBefore = now + rest
    this.begin()
  }

  #proceed(frame: Frame): void {
    const handshake = this.#handshake
    const next = handshake?.receive(frame)
    if (next === 'send') return this.#send(handshake as Handshake)
    if (next === undefined) return
    this.stop()
    if (next === 'welcomed') this.#owner.proved()
    else this.#owner.failed('refused')
  }

  #send(handshake: Handshake): void {
    clearTimeout(this.#repeat)
    this.#owner.pass(handshake.datagram())
    const left = this.#deadline - this.#source.now()
    const wait = Math.min(handshake.patience(), Math.max(left, 0))
    this.#repeat = setTimeout(() => this.#again(handshake), wait)
  }

  #again(handshake: Handshake): void {
    if (this.#source.now() < this.#deadline) return this.#send(handshake)
    this.stop()
    this.#owner.failed('silent')
  }
}

/** The time and chance of this machine. */
export const systemSource: ProverSource = {
  now: () => performance.now(),
  random: Math.random,
  nonce: () => Buffer.from(crypto.getRandomValues(new Uint8Array(nonceSize))).toString('latin1'),
}
