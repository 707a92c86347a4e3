import type { IpAddress } from '../address/datagram.ts'
import type { NetworkInterface } from '../multicast/interfaces.ts'
import { placesOf } from '../multicast/multicast-interface.ts'
import { bitsOf } from '../multicast/prefix.ts'

/** The addresses that share so many leading bits. */
interface Network {
  readonly family: 4 | 6
  readonly zone: string | undefined
  readonly mask: bigint
  readonly bits: bigint
}

/**
 * Who is on one of our links, worked out once for all who ask. RFC 6762 section 11: multicast stays on the link, but
 * anybody may have sent to this host alone; and Linux delivers what comes to a group on an interface on which any
 * other program has joined it (IP_MULTICAST_ALL).
 */
export class Neighbourhood {
  readonly #networks: readonly Network[]

  /** Of the interfaces that are `named`, or of all that multicast can go through. */
  constructor(interfaces: readonly NetworkInterface[], named: readonly string[] | undefined) {
    this.#networks = ([4, 6] as const).flatMap((family) => {
      const { forms } = placesOf(interfaces, family, named)
      return interfaces.filter((it) => it.family === family && forms.has(it.name)).map(networkOf)
    })
  }

  has(address: IpAddress): boolean {
    const { family, zone } = address
    const bits = bitsOf(address)
    return this.#networks.some(
      (it) => it.family === family && (zone ?? it.zone) === it.zone && (bits & it.mask) === it.bits,
    )
  }
}

function networkOf({ family, host, zone, prefix }: NetworkInterface): Network {
  const length = family === 4 ? 32n : 128n
  const mask = (1n << length) - (1n << (length - BigInt(prefix)))
  return { family, zone, mask, bits: bitsOf({ kind: 'ip', family, host, port: 0 }) & mask }
}
