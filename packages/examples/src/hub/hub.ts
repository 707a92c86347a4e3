import { hostname } from 'node:os'

import { type Address, shutdown } from '@fairlead/core'

import { lightBeacon } from './beacon.ts'
import { openChat } from './chat.ts'
import { Folder } from './folder.ts'
import { hostFor } from './host.ts'
import { Room } from './room.ts'
import { Secret } from './secret.ts'
import { openWeb } from './web.ts'

export interface HubOptions {
  port: number
  chatPort: number
  beaconPort: number
  folder: string
  /** Bytes of the largest upload. */
  maxUpload: number
  /** Opens the hub to the network, for those who know its token. */
  lan: boolean
}

/** A running hub, and how to reach it. */
export interface Hub {
  /** The address of the page; the token is in it. */
  readonly page: string
  readonly chat: { readonly host: string; readonly port: number }
  readonly beacon: { readonly host: string; readonly port: number }
  readonly folder: string
  /** What a terminal is asked for. */
  readonly token: string | undefined
  /** Stops listening, lets downloads and uploads finish for up to `grace` milliseconds, and ends. */
  stop(grace: number): Promise<void>
}

/** Milliseconds that a terminal has for hanging up: there is nothing that it could still finish. */
const chatGrace = 250

/** Opens the room, the folder and every door to them. When one cannot be opened, none stays open. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const host = options.lan ? '0.0.0.0' : '127.0.0.1'
  const secret = options.lan ? new Secret() : undefined
  const room = new Room()
  const folder = await Folder.open(options.folder)
  const doors: AsyncDisposable[] = []
  try {
    const web = await openWeb({
      host,
      port: options.port,
      room,
      folder,
      secret,
      maxUpload: options.maxUpload,
    })
    doors.push(web.server)
    const chat = await openChat({ host, port: options.chatPort, room, secret })
    doors.push(chat)
    const ports = { page: portOf(web.server.address), chat: portOf(chat.address) }
    const beacon = await lightBeacon({
      host,
      port: options.beaconPort,
      facts(asker) {
        const at = options.lan ? hostFor(asker) : host
        return {
          name: hostname(),
          page: `http://${at}:${ports.page}/`,
          chat: `${at}:${ports.chat}`,
          lan: options.lan,
        }
      },
    })

    const at = options.lan ? hostFor() : host
    return {
      page: `http://${at}:${ports.page}/${secret ? `?token=${secret.token}` : ''}`,
      chat: { host: at, port: ports.chat },
      beacon: { host: at, port: beacon.address.port },
      folder: folder.path,
      token: secret?.token,
      async stop(grace) {
        folder.close()
        await Promise.all([
          shutdown([...web.sockets, web.server], { grace }),
          shutdown([chat], { grace: Math.min(grace, chatGrace) }),
          beacon.close(),
        ])
      },
    }
  } catch (error) {
    folder.close()
    for (const door of doors) await door[Symbol.asyncDispose]()
    throw error
  }
}

function portOf(address: Address): number {
  return address.kind === 'ip' ? address.port : 0
}
