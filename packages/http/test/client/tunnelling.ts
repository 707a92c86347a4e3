import * as tcp from '@fairlead/tcp'

/** A proxy that makes the tunnels it is asked for, and keeps what it is asked with. */
export async function tunnelling(
  refusal?: string,
): Promise<{ asked: string[]; url: string; stop(): Promise<void> }> {
  const asked: string[] = []
  const listener = await tcp.listen({ port: 0 }, (connection) => {
    let head = ''
    connection.handle({
      onData(chunk) {
        head += Buffer.from(chunk).toString('latin1')
        if (!head.endsWith('\r\n\r\n')) return
        asked.push(head)
        if (refusal !== undefined) return void connection.write(refusal)
        const port = Number(/^CONNECT [^ ]+:(\d+) /.exec(head)![1])
        connection.pause()
        void tcp.connect({ port }).then((there) => {
          connection.write('HTTP/1.1 200 Connection established\r\n\r\n')
          connection.handle({
            onData: (bytes) => void there.write(bytes),
            onEnd: () => there.end(),
            onClose: () => there.destroy(),
          })
          there.handle({
            onData: (bytes) => void connection.write(bytes),
            onEnd: () => connection.end(),
            onClose: () => connection.destroy(),
          })
        })
      },
    })
  })
  const { port } = listener.address as { port: number }
  return { asked, url: `http://u:p@127.0.0.1:${port}`, stop: () => listener.close({ grace: 0 }) }
}
