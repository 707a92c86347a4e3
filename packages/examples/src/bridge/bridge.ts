import { readFile } from 'node:fs/promises'

import { type Address, formatEndpoint } from '@fairlead/core'
import type { HttpListener } from '@fairlead/http'
import { type Bridge, bridge, type BridgeOptions } from '@fairlead/ws-bridge'

import { callableAs } from '../addresses.ts'
import { fingerprintOf, type Identity } from '../certificate.ts'
import { reasonOf } from '../reason.ts'
import { identityOf, watchIdentity } from '../renewal.ts'
import type { Counts } from './board.ts'
import type { Settings } from './settings.ts'
import { isWeb } from './sides.ts'
import { type Told, watch } from './watch.ts'
import { serveWeb } from './web.ts'

/** A bridge that is open. */
export interface RunningBridge {
  readonly settings: Settings
  /** Where it can be called: first for this machine, then for others. */
  readonly urls: readonly string[]
  /** Where the folder is that is served beside. */
  readonly pages: readonly string[]
  /** Where all connections lead; undefined where tokens choose. */
  readonly target: string | undefined
  /** SHA-256 of the certificate. */
  readonly fingerprint: string | undefined
  counts(): Counts
  /** Stops listening, says so to all who are there, and cuts them after `grace` milliseconds. */
  stop(grace: number): Promise<void>
}

/** @throws Error, TypeError or ListenError that says what cannot be had. */
export async function openBridge(settings: Settings, told: Told): Promise<RunningBridge> {
  const { from, host, tls } = settings
  const identity = await identityOf(tls, host ?? '')
  const trouble = (error: unknown): void => told.trouble?.(reasonOf(error))
  const server = isWeb(from) ? await serveWeb(settings, identity, trouble) : undefined
  let opened: Bridge
  try {
    opened = await bridge(await optionsOf(settings, identity, server))
  } catch (error) {
    await server?.close({ grace: 0 })
    throw error
  }
  const unwatch = watch(opened, told)
  const stopWatching = watchIdentity(tls, identity, {
    setTls: (renewed) => (server ?? opened).setTls(renewed),
    renewed: (fingerprint) => told.certificate?.(fingerprint),
    trouble: (text) => told.trouble?.(text),
  })
  const { urls, pages } = placesOf(settings, opened.address, identity !== undefined)
  return {
    settings,
    urls,
    pages,
    target: 'scheme' in settings.to ? formatEndpoint(settings.to).replace(/\?.*/, '?...') : undefined,
    fingerprint: identity && fingerprintOf(identity.cert),
    counts: () => countsOf(opened),
    async stop(grace) {
      stopWatching()
      await Promise.all([opened.close({ grace }), server?.close({ grace })])
      unwatch()
    },
  }
}

async function optionsOf(
  settings: Settings,
  identity: Identity | undefined,
  server: HttpListener | undefined,
): Promise<BridgeOptions> {
  const { to, ca, origins, idleTimeout, path } = settings
  const target: BridgeOptions['to'] =
    'scheme' in to ? formatEndpoint(to) : { tokens: to.path, by: to.place, allow: to.allow }
  return {
    from: server ? { server, ...(path !== undefined && { path }) } : sourceText(settings),
    to: target,
    listen: {
      ...(origins !== undefined && { origins }),
      ...(!server && identity && { tls: identity }),
    },
    ...(ca !== undefined && { connect: { tls: { ca: await authoritiesIn(ca) } } }),
    ...(idleTimeout !== undefined && { idleTimeout }),
  }
}

/** Where to wait that is no WebSocket. */
function sourceText({ from: { scheme, port, path = '' }, host = '', tls }: Settings): string {
  if (scheme === 'unix') return formatEndpoint({ scheme, path })
  return formatEndpoint({ scheme: scheme === 'udp' ? scheme : tls === undefined ? 'tcp' : 'tls', host, port })
}

function placesOf(
  { from, host = '', path = '/', web }: Settings,
  address: Address,
  secure: boolean,
): Pick<RunningBridge, 'urls' | 'pages'> {
  if (address.kind !== 'ip') return { urls: [`unix:${from.path ?? ''}`], pages: [] }
  const { port } = address
  const { here, network } = callableAs(host)
  const hosts = [...new Set([here, ...network])]
  if (!isWeb(from)) {
    const scheme = from.scheme === 'udp' ? 'udp' : secure ? 'tls' : 'tcp'
    return { urls: hosts.map((it) => formatEndpoint({ scheme, host: it, port })), pages: [] }
  }
  const [socket, page] = secure ? (['wss', 'https'] as const) : (['ws', 'http'] as const)
  return {
    urls: hosts.map((it) => formatEndpoint({ scheme: socket, host: it, port, path })),
    pages:
      web === undefined ? [] : hosts.map((it) => formatEndpoint({ scheme: page, host: it, port, path: '/' })),
  }
}

function countsOf(bridge: Bridge): Counts {
  const stats = bridge.stats()
  const sum = (counts: object): number =>
    Object.values(counts).reduce((all: number, it: number) => all + it, 0)
  return {
    open: stats.open,
    opened: stats.total,
    refused: sum(stats.refused),
    there: stats.forward.bytes,
    back: stats.backward.bytes,
    dropped: sum(stats.drops),
  }
}

async function authoritiesIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`Cannot read ${file}: ${reasonOf(error)}`, { cause: error })
  })
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new Error(`Cannot read ${file}: there is no certificate in it`)
}
