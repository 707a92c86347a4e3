/**
 * Peers that find each other on the local network without a server: one announces a service, another discovers
 * it, by multicast and broadcast. The specification is docs/wire/DISCOVERY.md.
 *
 * @packageDocumentation
 */
import { type Announcement, firstAnnounce, ServiceAnnouncement } from './discovery/announcement.ts'
import { type Discovery, ServiceDiscovery } from './discovery/discovery.ts'
import { LanMedium } from './discovery/lan-medium.ts'
import {
  type AnnounceOptions,
  checkAnnounceOptions,
  checkSearch,
  type DiscoverOptions,
  type DiscoveryQuery,
} from './discovery/options.ts'
import { checkService, type Service } from './discovery/service.ts'

export type { Announcement } from './discovery/announcement.ts'
export type { Discovery } from './discovery/discovery.ts'
export type {
  AnnounceOptions,
  DiscoverOptions,
  DiscoveryOptions,
  DiscoveryQuery,
} from './discovery/options.ts'
export type { DiscoveryStats } from './discovery/participant.ts'
export type { DiscoveryEvent, Peer } from './discovery/peer.ts'
export type { Service, ServiceData, ServiceUpdate } from './discovery/service.ts'

/**
 * Announces a service on the local network until the announcement is closed. It does not open the service's
 * port: that is the caller's. Whoever called owns the announcement, which keeps the process alive.
 *
 * @returns the announcement, when the sockets are open; the first datagram leaves in 20 to 120 ms.
 * @throws TypeError, RangeError or LimitError that names the option, or LimitError when the whole is larger than
 *   a datagram of 1,200 bytes; ListenError when the port cannot be had; `signal.reason` when aborted.
 * @example
 * ```ts
 * const announcement = await announce({ type: 'chat', name: 'anna', port: 7000, data: { colour: 'red' } })
 * announcement.update({ data: { colour: 'blue' } })
 * await announcement.close()
 * ```
 */
export async function announce(service: Service, options: AnnounceOptions = {}): Promise<Announcement> {
  const { lifetime } = checkAnnounceOptions(options)
  const first = firstAnnounce(checkService(service), lifetime)
  return new ServiceAnnouncement(await LanMedium.open(options), first)
}

/**
 * Finds who announces such a service on the local network, this process included, and keeps it up to date until
 * the discovery is closed. Whoever called owns it; it keeps the process alive.
 *
 * What peers claim is not proven: anybody on the network may announce anything.
 *
 * @returns the discovery, when the sockets are open; who is there is known after a second or two.
 * @throws TypeError, RangeError or LimitError that names the option; ListenError when the port cannot be had;
 *   `signal.reason` when aborted.
 * @example
 * ```ts
 * const announcement = await announce({ type: 'chat', name: 'anna', port: 7000 })
 * const discovery = await discover({ type: 'chat' }, { except: announcement.id })
 * for await (const { kind, peer } of discovery) console.log(kind, peer.name, peer.address, peer.data.colour)
 * ```
 */
export async function discover(
  query: DiscoveryQuery = {},
  options: DiscoverOptions = {},
): Promise<Discovery> {
  const search = checkSearch(query, options)
  return new ServiceDiscovery(await LanMedium.open(options), search)
}
