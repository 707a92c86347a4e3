import { type ByteConnection, type CloseReason, ProtocolError, SocketError } from '@fairlead/core'
import { codeOf, Deadline, type DeadlineOwner, type InnerHandler } from '@fairlead/core/transport'
import type { UdpConnection } from '@fairlead/udp'

import { CapsuleError } from './capsule.ts'
import { DatagramDecoder, encodeDatagram } from './datagram.ts'
import type { UdpProxySettings } from './options.ts'
import type { Counters, TunnelEnd } from './stats.ts'

/** The two sides of a tunnel. */
export interface TunnelSides {
  readonly client: ByteConnection
  /** Connected to the address that was allowed, so that nobody else is sent to, or heard. */
  readonly target: UdpConnection<Uint8Array>
}

/** What the tunnels of a proxy have in common. */
export interface TunnelHost {
  readonly settings: UdpProxySettings
  readonly counters: Counters
  /** Both sides of a tunnel are closed. */
  release(tunnel: Tunnel): void
}

/** What fills an Ethernet frame of 1,500 bytes, behind the headers of IP and UDP. */
const frameSize = { 4: 1_472, 6: 1_452 } as const

/** Milliseconds that a side which is closing has for what was accepted for it. */
const endGrace = 1_000

/** What ICMP's "destination unreachable" becomes on a connected socket (RFC 9298 section 3.1). */
const unreachable = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'])

/**
 * One tunnel, the proxy's side: capsules on the client's connection, datagrams on a socket of its own. A target that
 * cannot be sent to as fast as its client sends stops the client's input. A client that does not read cannot stop its
 * target, so datagrams for it are dropped.
 */
export class Tunnel implements InnerHandler<Uint8Array>, DeadlineOwner {
  readonly #host: TunnelHost
  readonly #client: ByteConnection
  readonly #target: UdpConnection<Uint8Array>
  readonly #decoder = new DatagramDecoder()
  readonly #deadline = new Deadline(this)
  readonly #largest: number
  /** When it has lasted as long as it may. */
  readonly #until: number
  #ignored = 0
  /** The target's socket takes no more for now. */
  #held = false
  #passing = false
  /** Datagrams of this turn leave for the client together. */
  #gathering = false
  #clientEnded = false
  #end: TunnelEnd | undefined
  #open = 2

  constructor({ client, target }: TunnelSides, host: TunnelHost) {
    const { maxDatagramSize, totalTimeout } = host.settings
    this.#host = host
    this.#client = client
    this.#target = target
    const ofFrame = target.remoteAddress.family === 6 ? frameSize[6] : frameSize[4]
    this.#largest = Math.min(maxDatagramSize ?? ofFrame, target.maxMessageSize)
    this.#until = Deadline.now() + totalTimeout
  }

  /** Goes on with what the client sent behind its request already. */
  begin(head: Uint8Array): void {
    this.#target.handle({
      onData: (datagram) => this.#receive(datagram),
      onDrain: () => this.#goOn(),
      onTrouble: (error) => this.#troubled(error),
      onClose: () => this.#closed('target'),
    })
    this.#client.handle(this, head.length > 0 ? head : undefined)
    this.#touch()
  }

  /** Both sides finish what they have, within `grace`. */
  close(grace: number): void {
    this.#finish('local', grace)
  }

  destroy(error?: Error): void {
    this.#ended('local')
    this.#client.destroy(error)
    this.#target.destroy()
  }

  // What is heard of the client.

  onData(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
    this.#pass()
  }

  /** There is no half of a tunnel. */
  onEnd(): void {
    this.#clientEnded = true
    this.#pass()
  }

  onShutdown(grace: number): void {
    this.#finish('local', grace)
  }

  onClose(reason: CloseReason): void {
    this.#closed(reason.kind === 'local' || reason.kind === 'shutdown' ? 'local' : 'client')
  }

  onDeadline(): void {
    this.#finish(Deadline.now() >= this.#until ? 'total' : 'idle', endGrace)
  }

  /** Passes on what came from the client, for as long as the target's socket takes it. */
  #pass(): void {
    if (this.#passing) return
    this.#passing = true
    try {
      while (!this.#held && !this.#end) {
        const payload = this.#decoder.next()
        if (payload === undefined) break
        this.#send(payload)
      }
      // Not while it is held: its client is paused then.
      if (this.#clientEnded && !this.#end) {
        this.#decoder.end()
        this.#finish('client', endGrace)
      }
    } catch (error) {
      this.#break(error)
    } finally {
      this.#passing = false
      this.#count()
    }
  }

  #send(payload: Uint8Array): void {
    const { counters } = this.#host
    if (payload.length > this.#largest) {
      counters.oversized++
      return
    }
    this.#touch()
    counters.forward++
    counters.forwardBytes += payload.length
    if (this.#target.write(payload)) return
    this.#held = true
    this.#client.pause()
  }

  #goOn(): void {
    this.#held = false
    this.#pass()
    if (!this.#held && !this.#end) this.#client.resume()
  }

  /** A datagram of the target. */
  #receive(datagram: Uint8Array): void {
    const { counters, settings } = this.#host
    const client = this.#client
    // TCP would keep for later what is worth nothing then (RFC 9298 section 6).
    if (this.#end || client.state !== 'open' || client.buffered + datagram.length > settings.maxBuffered) {
      counters.dropped++
      return
    }
    this.#touch()
    counters.backward++
    counters.backwardBytes += datagram.length
    this.#gather()
    client.write(encodeDatagram(datagram))
  }

  /** A system call for each datagram would cost more than all else; none waits longer than this turn for it. */
  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    this.#client.cork()
    setImmediate(() => {
      this.#gathering = false
      this.#client.uncork()
    })
  }

  #troubled(error: SocketError): void {
    if (unreachable.has(codeOf(error.cause))) this.#finish('target', endGrace)
  }

  #touch(): void {
    this.#deadline.set(Math.min(this.#host.settings.idleTimeout, this.#until - Deadline.now()))
  }

  /** The client broke the protocol: it must not take this for an orderly end (RFC 9297 section 3.3). */
  #break(cause: unknown): void {
    // The target's socket is closed, which is about to be told.
    if (!(cause instanceof CapsuleError)) return this.#finish('target', endGrace)
    this.#ended('protocol')
    const facts = { side: 'remote', phase: 'read', peer: this.#client.remoteAddress, cause } as const
    this.#client.destroy(new ProtocolError(`Cannot read capsule: ${cause.message}`, facts))
    this.#target.destroy()
  }

  #finish(end: TunnelEnd, grace: number): void {
    this.#ended(end)
    void this.#client.close({ grace })
    void this.#target.close({ grace: Math.min(grace, endGrace) })
  }

  #ended(end: TunnelEnd): void {
    if (this.#end) return
    this.#end = end
    this.#host.counters.ends[end]++
    this.#deadline.clear()
  }

  /** One of the two sides is closed: the other is, too. */
  #closed(end: TunnelEnd): void {
    if (!this.#end) this.#finish(end, endGrace)
    if (--this.#open === 0) this.#host.release(this)
  }

  #count(): void {
    const { ignored } = this.#decoder
    this.#host.counters.ignored += ignored - this.#ignored
    this.#ignored = ignored
  }
}
