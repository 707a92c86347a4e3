import type { SocketError } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import type { HeartbeatOptions } from './options.ts'

/** What a heartbeat asks of its connection. */
export interface Patient {
  /** Whether this side reads, so that an answer would be seen. */
  readonly reading: boolean
  /** Bytes that came: whoever sends is alive. */
  readonly bytesIn: number
  /** Bytes that left. The system takes some of them for a peer that is gone, too. */
  readonly bytesOut: number
  /** Bytes that wait to leave. */
  readonly buffered: number
  sendPing(payload: Uint8Array): void
  /** It shows no sign of life. */
  giveUp(): void
}

/** What there was to see of a peer that had not answered. */
type Sign = Pick<Patient, 'reading' | 'bytesIn' | 'bytesOut' | 'buffered'>

interface Waiter {
  readonly ping: number
  readonly sentAt: number
  resolve(roundTrip: number): void
  reject(error: Error): void
}

/**
 * Pings, and what comes of them (RFC 6455 sections 5.5.2 and 5.5.3). A pong answers its ping and all before it.
 *
 * ```text
 *   resting ──interval──▶ ping ──pong──▶ resting
 *                          │ ▲
 *                 timeout──┤ └──bytes that move, or nobody reads here
 *                          └──▶ given up
 * ```
 */
export class Heartbeat implements DeadlineOwner {
  roundTrip: number | undefined
  readonly #patient: Patient
  #options: Required<HeartbeatOptions> | undefined
  readonly #deadline: Deadline | undefined
  #sent = 0
  #sentAt = 0
  #answered = 0
  /** What the last look showed; undefined while resting. */
  #sign: Sign | undefined
  #waiters: Waiter[] | undefined

  constructor(patient: Patient, options: Required<HeartbeatOptions> | undefined) {
    this.#patient = patient
    this.#options = options
    if (!options) return
    this.#deadline = new Deadline(this)
    this.#deadline.set(options.interval)
  }

  onDeadline(): void {
    const patient = this.#patient
    const before = this.#sign
    if (before && !movesSince(before, patient)) {
      patient.giveUp()
      return
    }
    const { reading, bytesIn, bytesOut, buffered } = patient
    this.#sign = { reading, bytesIn, bytesOut, buffered }
    this.#deadline?.set(this.#options?.timeout ?? Infinity)
    // Whoever does not read hears of a peer that is gone only by writing to it, and then again.
    if (!before || (!reading && buffered === 0)) this.#ping()
  }

  /** A ping that somebody asked for. */
  ask(signal?: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#ping()
      this.#waiters ??= []
      const waiter = { ping: this.#sent, sentAt: this.#sentAt, resolve, reject }
      this.#waiters.push(waiter)
      if (!signal) return
      const abort = (): void => {
        this.#waiters = this.#waiters?.filter((it) => it !== waiter)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      waiter.resolve = (roundTrip) => {
        signal.removeEventListener('abort', abort)
        resolve(roundTrip)
      }
      waiter.reject = (error) => {
        signal.removeEventListener('abort', abort)
        reject(error)
      }
    })
  }

  /** The peer's pong. False: nobody asked for it, and it means nothing. */
  pong(payload: Uint8Array): boolean {
    const ping = payload.byteLength === 4 ? Buffer.from(payload).readUInt32BE() : 0
    if (ping <= this.#answered || ping > this.#sent) return false
    this.#answered = ping
    const now = Deadline.now()
    if (ping === this.#sent) this.roundTrip = now - this.#sentAt
    this.#waiters = this.#waiters?.filter((waiter) => {
      if (waiter.ping > ping) return true
      const roundTrip = now - waiter.sentAt
      if (waiter.ping === ping) this.roundTrip = roundTrip
      waiter.resolve(roundTrip)
      return false
    })
    if (!this.#sign || !this.#options) return true
    this.#sign = undefined
    this.#deadline?.set(Math.max(0, this.#sentAt + this.#options.interval - now))
    return true
  }

  /** From now on answers those who ask, and does nothing else. */
  rest(): void {
    this.#options = undefined
    this.#deadline?.release()
  }

  stop(error: SocketError): void {
    this.rest()
    for (const waiter of this.#waiters ?? []) waiter.reject(error)
    this.#waiters = undefined
  }

  #ping(): void {
    const payload = Buffer.allocUnsafe(4)
    payload.writeUInt32BE(++this.#sent)
    this.#sentAt = Deadline.now()
    this.#patient.sendPing(payload)
  }
}

/** What leaves tells of life only while the ping may still wait behind it. */
function movesSince(before: Sign, { reading, bytesIn, bytesOut }: Patient): boolean {
  if (!reading || !before.reading || bytesIn !== before.bytesIn) return true
  return before.buffered > 0 && bytesOut !== before.bytesOut
}
