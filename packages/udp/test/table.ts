import type { NetworkInterfaceInfo } from 'node:os'

import { InterfaceWatch } from '../src/multicast/interface-watch.ts'
import { type InterfaceSource, type NetworkInterface, readInterfaces } from '../src/multicast/interfaces.ts'

/** An address as the runtime lists it. */
export function info(cidr: string): NetworkInterfaceInfo {
  const [address = '', prefix = ''] = cidr.split('/')
  const common = { address, mac: '02:00:00:00:00:01', cidr, internal: /^(127\.|::1$)/.test(address) }
  if (address.includes(':')) return { ...common, family: 'IPv6', netmask: '', scopeid: 7 }
  const mask = (2 ** 32 - 2 ** (32 - Number(prefix))) >>> 0
  const netmask = [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
  return { ...common, family: 'IPv4', netmask }
}

/** Interfaces that a test has come, change and go, and the watch over them. */
export class Table {
  /** CIDRs by interface; an Error is what asking the system throws. */
  interfaces: Record<string, string[]> | Error
  readonly watch: InterfaceWatch
  /** How often the system was asked. */
  reads = 0
  #look: (() => void) | undefined

  constructor(interfaces: Record<string, string[]> | Error) {
    this.interfaces = interfaces
    this.watch = new InterfaceWatch({
      read: () => this.#read(),
      every: (look) => {
        if (this.#look) throw new Error('There is a timer already')
        this.#look = look
        return () => (this.#look = undefined)
      },
    })
  }

  get ticking(): boolean {
    return this.#look !== undefined
  }

  /** It is time to look. */
  tick(interfaces = this.interfaces): void {
    this.interfaces = interfaces
    this.#look?.()
  }

  #read(): NetworkInterface[] {
    this.reads++
    const source: InterfaceSource = () => {
      if (this.interfaces instanceof Error) throw this.interfaces
      const entries = Object.entries(this.interfaces)
      return Object.fromEntries(entries.map(([name, cidrs]) => [name, cidrs.map(info)]))
    }
    return readInterfaces(source)
  }
}
