import { formatAddress } from '@fairlead/core'
import { type Bridge, bridgeChannels, type BridgeDiagnosticEvents } from '@fairlead/ws-bridge'

import type { Ended, Opened, Refused } from './event.ts'
import { wordsOfEnd, wordsOfRefusal } from './words.ts'

/** Who is told of what happens on a bridge. */
export interface Told {
  opened?(opened: Opened): void
  ended?(ended: Ended): void
  refused?(refused: Refused): void
  /** The certificate was read again from its files. */
  certificate?(fingerprint: string): void
  /** Something went wrong that nobody else is told of. */
  trouble?(text: string): void
}

/** Tells of the connections of one bridge, until what is returned is called. */
export function watch(bridge: Bridge, told: Told): () => void {
  const open = (event: BridgeDiagnosticEvents['open']): void => {
    if (event.bridge !== bridge) return
    const { from, to } = event.crossing
    told.opened?.({ client: formatAddress(from), target: formatAddress(to) })
  }
  const close = (event: BridgeDiagnosticEvents['close']): void => {
    if (event.bridge !== bridge) return
    const { cause, crossing } = event
    told.ended?.({
      time: new Date(),
      client: formatAddress(crossing.from),
      target: formatAddress(crossing.to),
      cause,
      why: wordsOfEnd(cause),
      there: crossing.forward.bytes,
      back: crossing.backward.bytes,
      duration: crossing.age,
    })
  }
  const refuse = (event: BridgeDiagnosticEvents['refuse']): void => {
    if (event.bridge !== bridge) return
    const { peer, cause, error } = event
    told.refused?.({
      time: new Date(),
      client: formatAddress(peer),
      cause,
      why: wordsOfRefusal(cause, error),
    })
  }
  bridgeChannels.open.subscribe(open)
  bridgeChannels.close.subscribe(close)
  bridgeChannels.refuse.subscribe(refuse)
  return () => {
    bridgeChannels.open.unsubscribe(open)
    bridgeChannels.close.unsubscribe(close)
    bridgeChannels.refuse.unsubscribe(refuse)
  }
}
