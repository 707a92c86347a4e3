import type { ByteConnection, MessageConnection } from '../connection.ts'
import { ConnectError } from '../errors.ts'
import type { Accept, Listener } from '../listener.ts'
import { MemoryByteConnection, MemoryConnection, MemoryMessageConnection } from './connection.ts'
import { MemoryListener } from './listener.ts'

/** Options of {@link connect} and {@link connectBytes}. */
export interface MemoryConnectOptions {
  signal?: AbortSignal
}

let names = 0

/**
 * Two byte connections tied to each other; what is written to one is read from the other.
 *
 * @example
 * ```ts
 * const [here, there] = pair()
 * here.write('ahoy')
 * for await (const chunk of there) console.log(Buffer.from(chunk).toString())
 * ```
 */
export function pair(): [ByteConnection, ByteConnection] {
  return tied(`pair-${++names}`, MemoryByteConnection)
}

/** Two message connections tied to each other. Messages are handed over as they are, not copied. */
export function messagePair<M = string>(): [MessageConnection<M>, MessageConnection<M>] {
  return tied(`pair-${++names}`, MemoryMessageConnection<M>)
}

/**
 * Listens on a name of this process for message connections: no sockets, for tests and in-process services.
 *
 * @throws ListenError when the name is in use.
 */
export async function listen<M = string>(
  name: string,
  accept?: Accept<MessageConnection<M>, M>,
): Promise<Listener<MessageConnection<M>>> {
  return new MemoryListener<MemoryMessageConnection<M>, M>(name, MemoryMessageConnection, accept)
}

/** Connects to what {@link listen} listens on. @throws ConnectError when nobody does. */
export async function connect<M = string>(
  name: string,
  options?: MemoryConnectOptions,
): Promise<MessageConnection<M>> {
  return reach(name, options, MemoryMessageConnection<M>)
}

/** Like {@link listen}, for byte connections. @throws ListenError when the name is in use. */
export async function listenBytes(
  name: string,
  accept?: Accept<ByteConnection, Uint8Array>,
): Promise<Listener<ByteConnection>> {
  return new MemoryListener<MemoryByteConnection, Uint8Array, Uint8Array | string>(
    name,
    MemoryByteConnection,
    accept,
  )
}

/** Connects to what {@link listenBytes} listens on. @throws ConnectError when nobody does. */
export async function connectBytes(name: string, options?: MemoryConnectOptions): Promise<ByteConnection> {
  return reach(name, options, MemoryByteConnection)
}

type Kind<C> = new (local: string, remote: string) => C

function tied<C extends MemoryConnection<In, Out>, In, Out>(name: string, kind: Kind<C>): [C, C] {
  const here = new kind(`${name}-a`, `${name}-b`)
  const there = new kind(`${name}-b`, `${name}-a`)
  MemoryConnection.tie<In, Out>(here, there)
  return [here, there]
}

async function reach<C extends MemoryConnection<In, Out>, In, Out>(
  name: string,
  options: MemoryConnectOptions | undefined,
  kind: Kind<C>,
): Promise<C> {
  options?.signal?.throwIfAborted()
  const listener = MemoryListener.find(name)
  if (listener?.kind !== kind) throw new ConnectError(`Cannot connect to memory:${name}: nobody listens`)
  const here = new kind(`${name}-client-${++names}`, name)
  const there = new kind(name, here.localAddress.kind === 'memory' ? here.localAddress.name : name)
  MemoryConnection.tie<In, Out>(here, there)
  ;(listener as unknown as MemoryListener<C, In, Out>).take(there)
  return here
}
