// A client of another maker: vscode-jsonrpc, with a framing and a TCP of its own. Prints what it saw.

import { once } from 'node:events'
import { connect } from 'node:net'

import {
  CancellationTokenSource,
  createMessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node'

const socket = connect(Number(process.argv[2]), '127.0.0.1')
await once(socket, 'connect')
const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket))
const changed = []
let hear = () => {}
connection.onNotification('changed', (params) => {
  changed.push(params)
  hear()
})
connection.onRequest('confirm', ({ question }) => /^Take down everything, \d+ in all\?$/.test(question))
connection.listen()

const failure = (promise) => promise.then(String, ({ code, message }) => ({ code, message }))

const seen = {}
await connection.sendRequest('clear')
seen.none = await connection.sendRequest('get', { name: 'build' })
const value = { text: 'Käpt’n 🚢', list: [1, null, 'x'.repeat(500)] }
const giving = new CancellationTokenSource()
const watching = failure(connection.sendRequest('watch', {}, giving.token))
await Promise.all([
  connection.sendRequest('set', { name: 'build', value }),
  connection.sendRequest('set', { name: 'other', value: 1 }),
])
while (changed.length < 2) await new Promise((resolve) => (hear = resolve))
giving.cancel()
seen.watch = await watching
seen.same = JSON.stringify(await connection.sendRequest('get', { name: 'build' })) === JSON.stringify(value)
seen.unknown = await failure(connection.sendRequest('nothing'))
seen.invalid = await failure(connection.sendRequest('get', { name: 7 }))
seen.positional = await failure(connection.sendRequest('get', 'build', 'more'))
seen.cleared = await connection.sendRequest('clear')
seen.changed = changed.map(({ name }) => name)
console.log(JSON.stringify(seen))
connection.dispose()
socket.end()
