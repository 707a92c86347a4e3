// Connects as its first argument says, calls what the others name on the connection, and then has nothing more to do.
// Says in JSON whether the process ended by itself with the connection open, and `state`, what became of that.

import * as tcp from '@fairlead/tcp'

const [connecting, ...calls] = process.argv.slice(2)
const { startTls, output = 0, ...options } = JSON.parse(connecting)

const connection = await tcp.connect(options)
connection.handle({ onData() {} })
if (startTls) {
  connection.write('STARTTLS\r\n')
  await tcp.startTls(connection, startTls)
  connection.handle({ onData() {} })
}
for (const call of calls) connection[call]()
if (output > 0) connection.write(Buffer.alloc(output))

const say = (ended) => console.log(JSON.stringify({ ended, state: connection.state }))
// Comes only if something keeps the process alive until then.
const timer = setTimeout(() => {
  say(false)
  process.exit()
}, 1_000).unref()
process.once('beforeExit', () => {
  clearTimeout(timer)
  say(true)
})
