import { bind, type UdpSocket } from '@fairlead/udp'

/** What a hub tells of itself; never its token. */
export interface HubFacts {
  readonly name: string
  /** The address of the page. */
  readonly page: string
  /** Host and port of the chat for terminals. */
  readonly chat: string
  /** Whether it is open to the network. */
  readonly lan: boolean
}

export interface BeaconOptions {
  host: string
  port: number
  /** What to tell an asker at this address. */
  facts(asker: string): HubFacts
}

/** Bytes of a question. The answer is never longer, so that a forged sender address gains nobody anything. */
export const questionSize = 512

/** What a question begins with; an answer carries its number back, so that it cannot be mistaken for another's. */
const question = /^fairlead\? ([0-9a-f]{16})\0*$/

export function questionOf(number: string): Buffer {
  const datagram = Buffer.alloc(questionSize)
  datagram.write(`fairlead? ${number}`)
  return datagram
}

/** Answers whoever asks for a hub. */
export async function lightBeacon({ host, port, facts }: BeaconOptions): Promise<UdpSocket> {
  const socket = await bind({ host, port })
  socket.handle({
    onDatagram(data, from) {
      const [, number] = question.exec(Buffer.from(data).toString('latin1')) ?? []
      if (number === undefined) return
      const answer = JSON.stringify({ fairlead: number, ...facts(from.host) })
      if (Buffer.byteLength(answer) <= data.length) void socket.send(answer, from)
    },
    // An asker who cannot be answered is his own affair.
    onTrouble() {},
  })
  return socket
}
