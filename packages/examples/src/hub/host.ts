import { interfaces } from '@fairlead/udp'

/** The address of this machine that `peer` can reach; without a peer, or a common network, the first one. */
export function hostFor(peer?: string): string {
  const outward = interfaces().filter(({ internal, family }) => !internal && family === 4)
  const common = peer === undefined ? undefined : outward.find((it) => it.has(peer))
  return (common ?? outward[0])?.host ?? '127.0.0.1'
}
