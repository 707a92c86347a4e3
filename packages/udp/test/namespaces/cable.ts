import { execFileSync } from 'node:child_process'

import { interfaces } from '../../src/multicast/interfaces.ts'
import type { Far } from './far.ts'
import { until } from './until.ts'

/** Runs lines of `ip` one after the other. */
export function ip(...lines: string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: lines.join('\n'), stdio: ['pipe', 'ignore', 'inherit'] })
}

/** A cable from here, `nearN` at 10.9.N.1, to the far peer, `farN` at 10.9.N.2 and 10.9.N.3. */
export class Cable {
  readonly number: number
  readonly #peer: Far

  constructor(number: number, peer: Far) {
    this.number = number
    this.#peer = peer
  }

  get near(): string {
    return `near${this.number}`
  }

  get far(): string {
    return `far${this.number}`
  }

  /** This end's IPv4 address, 1, or one of the far end's, 2 and 3. */
  host(end: 1 | 2 | 3): string {
    return `10.9.${this.number}.${end}`
  }

  /** Makes both ends, with addresses that can be used at once, and waits until both are up. */
  async plug(): Promise<void> {
    const { near, far } = this
    ip(
      `link add ${near} type veth peer name ${far}`,
      `link set ${far} netns ${this.#peer.pid}`,
      `link set ${near} addrgenmode none`,
      `addr add ${this.host(1)}/24 broadcast + dev ${near}`,
      `addr add fe80::9:${this.number}:1/64 dev ${near} nodad`,
      `link set ${near} up`,
    )
    const there = ['-t', String(this.#peer.pid), '-n', 'ip', '-batch', '-']
    execFileSync('nsenter', there, {
      input: [
        `link set ${far} addrgenmode none`,
        `addr add ${this.host(2)}/24 broadcast + dev ${far}`,
        `addr add ${this.host(3)}/24 broadcast + dev ${far}`,
        `addr add fe80::9:${this.number}:2/64 dev ${far} nodad`,
        `link set ${far} up`,
      ].join('\n'),
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    await until(() => new Set(interfaces().flatMap((it) => (it.name === near ? it.family : []))).size === 2)
    await this.#peer.do('see', { name: far })
  }

  /** Both ends are gone when one is. */
  unplug(): void {
    ip(`link delete ${this.near}`)
  }
}
