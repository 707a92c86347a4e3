import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'

import { bind, broadcastAddresses } from '@fairlead/udp'

import { type HubFacts, questionOf } from './beacon.ts'
import { spoken } from './talk.ts'

export interface FindOptions {
  port: number
  /** Milliseconds to listen for answers. */
  timeout: number
  /** Asks the networks of this machine, too, and not only itself. */
  lan?: boolean
}

/** Datagrams get lost: the question is asked so many times. */
const attempts = 3

/** Hubs that are worth keeping; more answers than that are somebody's joke. */
const mostHubs = 256

/** Asks this machine, or its networks as well, for hubs, and waits for answers until the time is over. */
export async function findHubs({ port, timeout, lan = false }: FindOptions): Promise<HubFacts[]> {
  const number = randomBytes(8).toString('hex')
  const found = new Map<string, HubFacts>()
  await using socket = await bind(lan ? { host: '0.0.0.0', broadcast: true } : {})
  socket.handle({
    onDatagram(data) {
      const facts = factsIn(Buffer.from(data).toString(), number)
      if (facts && found.size < mostHubs) found.set(facts.page, facts)
    },
    // A network that cannot be reached has no hub.
    onTrouble() {},
  })
  const question = questionOf(number)
  const hosts = ['127.0.0.1', ...(lan ? broadcastAddresses() : [])]
  for (let attempt = 0; attempt < attempts; attempt++) {
    for (const host of hosts) void socket.send(question, { host, port })
    await setTimeout(timeout / attempts)
  }
  return [...found.values()]
}

/** The facts in an answer to our question, fit to be printed. Anybody can send anything. */
function factsIn(text: string, number: string): HubFacts | undefined {
  try {
    const { fairlead, name, page, chat, lan } = JSON.parse(text) as Record<string, unknown>
    if (fairlead !== number || typeof lan !== 'boolean') return undefined
    if (typeof name !== 'string' || typeof page !== 'string' || typeof chat !== 'string') return undefined
    return { name: spoken(name), page: new URL(page).href, chat: spoken(chat), lan }
  } catch {
    return undefined
  }
}
