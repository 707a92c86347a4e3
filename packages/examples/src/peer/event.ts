/** What happens at a peer, as data. All texts are fit to be printed. */
export type PeerEvent =
  | { readonly event: 'opened'; readonly name: string; readonly address: string; readonly lan: boolean }
  | { readonly event: 'arrived'; readonly peer: string; readonly address: string; readonly back: boolean }
  /** Unless it said goodbye, it was `lost`: not heard for its lifetime. */
  | { readonly event: 'left'; readonly peer: string; readonly lost: boolean }
  | { readonly event: 'said'; readonly peer: string; readonly text: string; readonly toAll: boolean }
  | { readonly event: 'delivered'; readonly peer: string; readonly text: string }
  | { readonly event: 'undelivered'; readonly peer: string; readonly text: string; readonly why: string }
  | { readonly event: 'here'; readonly peers: readonly PeerFacts[] }
  | { readonly event: 'notice'; readonly text: string }

/** Somebody who is there. */
export interface PeerFacts {
  readonly name: string
  readonly address: string
  readonly since: Date
}

export type Tell = (event: PeerEvent) => void

/** An event in lines of text for people: notices have a star, which no name has. Empty for what goes without saying. */
export function describe(event: PeerEvent): string[] {
  switch (event.event) {
    case 'opened':
      return [`* you are ${event.name} at ${event.address}${event.lan ? '' : ' (this machine only)'}`]
    case 'arrived':
      return [`* ${event.peer} is ${event.back ? 'back' : 'here'} (${event.address})`]
    case 'left':
      return [`* ${event.peer} ${event.lost ? 'is gone: not heard any more' : 'left'}`]
    case 'said':
      return [`${event.peer}${event.toAll ? '' : ' (to you)'}: ${event.text}`]
    case 'delivered':
      return []
    case 'undelivered':
      return [`* ${event.peer} may not have got ${JSON.stringify(shortened(event.text))}: ${event.why}`]
    case 'here':
      return event.peers.map(
        ({ name, address, since }) => `* ${name} at ${address} since ${since.toTimeString().slice(0, 8)}`,
      )
    case 'notice':
      return [`* ${event.text}`]
  }
}

function shortened(text: string): string {
  const letters = Array.from(text)
  return letters.length > 30 ? `${letters.slice(0, 29).join('')}…` : text
}
