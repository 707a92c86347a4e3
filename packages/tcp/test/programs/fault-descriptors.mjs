// Connects until there are no descriptors left, gives them back, and connects again.

import { setImmediate as turn } from 'node:timers/promises'

import * as tcp from '@fairlead/tcp'

const listener = await tcp.listen({ port: 0 }, (connection) => ({
  onData: (chunk) => void connection.write(chunk),
}))
const { port } = listener.address

const attempts = await Promise.allSettled(Array.from({ length: 60 }, () => tcp.connect({ port })))
const errors = attempts.flatMap(({ reason }) => (reason ? [`${reason} (${reason.attempts[0].code})`] : []))
for (const { value } of attempts) value?.destroy()
await turn()

const connection = await tcp.connect({ port })
connection.write('ahoy')
let echoed = ''
for await (const chunk of connection) {
  echoed += Buffer.from(chunk).toString()
  break
}
connection.destroy()
await listener.close({ grace: 0 })
console.log(JSON.stringify({ errors, echoed }))
