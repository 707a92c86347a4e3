import { type ByteConnection, splice } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { portOf } from '../harness.ts'

/** A proxy that makes the tunnels it is asked for. */
export interface TestProxy extends AsyncDisposable {
  /** The heads of what it was asked, in turn. */
  readonly asked: string[]
  /** With who asks. */
  readonly url: string
}

/** @param refuse what it answers instead, of a head. */
export async function startProxy(
  refuse: (head: string) => string | undefined = () => undefined,
): Promise<TestProxy> {
  const asked: string[] = []
  const listener = await tcp.listen({ port: 0 }, (connection) => {
    let head = ''
    return {
      onData(chunk) {
        head += Buffer.from(chunk).toString('latin1')
        if (!head.endsWith('\r\n\r\n')) return
        asked.push(head)
        const refusal = refuse(head)
        if (refusal === undefined) void join(connection, Number(/^CONNECT [^ ]+:(\d+) /.exec(head)?.[1]))
        else connection.write(refusal)
      },
    }
  })
  const url = `http://user:secret@127.0.0.1:${portOf(listener)}`
  return { asked, url, [Symbol.asyncDispose]: () => listener.close({ grace: 0 }) }
}

async function join(connection: ByteConnection, port: number): Promise<void> {
  connection.pause()
  const there = await tcp.connect({ port })
  connection.write('HTTP/1.1 200 Connection established\r\n\r\n')
  void splice(connection, there)
}
