import type { Connection, ConnectionHandler } from './connection.ts'
import { SocketError } from './errors.ts'
import type { Accept } from './listener.ts'

/** A connection as `admit` needs it. One that cannot say whether somebody reads it is taken to be read. */
type Admitted<In, Out> = Connection<In, Out> & { readonly occupied?: boolean }

/** Calls `accept` for a new connection and honours its three returns; whatever it does costs one connection. */
export function admit<C extends Admitted<In, Out>, In, Out>(connection: C, accept: Accept<C, In>): void {
  try {
    const answer = accept(connection)
    if (typeof answer !== 'object' || answer === null) return
    if (isPromise(answer)) {
      answer.then(
        (handler) => settle(connection, handler),
        (error: unknown) => connection.destroy(SocketError.from(error, 'Accept callback failed')),
      )
    } else {
      connection.handle(answer)
    }
  } catch (error) {
    connection.destroy(SocketError.from(error, 'Accept callback failed'))
  }
}

function settle<In, Out>(connection: Admitted<In, Out>, handler: ConnectionHandler<In> | void): void {
  if (handler) connection.handle(handler)
  else if (connection.occupied === false) void connection.close()
}

function isPromise<T extends object>(answer: T | Promise<T | void>): answer is Promise<T | void> {
  return typeof (answer as Promise<T>).then === 'function'
}
