import type { SocketError } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import type { HeartbeatOptions } from './options.ts'

/** What a heartbeat asks of its connection. */
export interface Patient {
  /** Bytes that came and went: whoever moves is alive. */
  readonly moved: number
  /** Whether this side reads, so that an answer would be seen. */
  readonly reading: boolean
  sendPing(payload: Uint8Array): void
  /** It shows no sign of life. */
  giveUp(): void
}

interface Waiter {
  readonly ping: number
  resolve(roundTrip: number): void
  reject(error: Error): void
}

/**
 * Pings, and what comes of them (RFC 6455 sections 5.5.2 and 5.5.3). A pong answers its ping and all before it.
 *
 * ```text
 *   resting ──interval──▶ ping ──pong, or bytes that move──▶ resting
 *                          └──timeout──▶ given up (not while nobody reads here)
 * ```
 */
export class Heartbeat implements DeadlineOwner {
  roundTrip: number | undefined
  readonly #patient: Patient
  readonly #options: Required<HeartbeatOptions> | undefined
  readonly #deadline: Deadline | undefined
  #sent = 0
  #sentAt = 0
  #answered = 0
  /** What had moved when the last look was taken; undefined while resting. */
  #moved: number | undefined
  #waiters: Waiter[] | undefined

  constructor(patient: Patient, options: Required<HeartbeatOptions> | undefined) {
    this.#patient = patient
    this.#options = options
    if (!options) return
    this.#deadline = new Deadline(this)
    this.#deadline.set(options.interval)
  }

  onDeadline(): void {
    const { interval, timeout } = this.#options as Required<HeartbeatOptions>
    const patient = this.#patient
    if (this.#moved === undefined) {
      this.#moved = patient.moved
      this.#deadline?.set(timeout)
      this.#ping()
    } else if (this.#answered === this.#sent) {
      this.#moved = undefined
      this.#deadline?.set(interval)
    } else if (this.#moved !== patient.moved || !patient.reading) {
      this.#moved = patient.moved
      this.#deadline?.set(timeout)
    } else {
      patient.giveUp()
    }
  }

  /** A ping that somebody asked for. */
  ask(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#ping()
      this.#waiters ??= []
      this.#waiters.push({ ping: this.#sent, resolve, reject })
    })
  }

  /** The peer's pong. One that nobody asked for means nothing. */
  pong(payload: Uint8Array): void {
    const ping = payload.byteLength === 4 ? Buffer.from(payload).readUInt32BE() : 0
    if (ping <= this.#answered || ping > this.#sent) return
    this.#answered = ping
    if (ping === this.#sent) this.roundTrip = Deadline.now() - this.#sentAt
    this.#waiters = this.#waiters?.filter((waiter) => {
      if (waiter.ping <= ping) waiter.resolve(this.roundTrip ?? 0)
      return waiter.ping > ping
    })
  }

  stop(error: SocketError): void {
    this.#deadline?.clear()
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
