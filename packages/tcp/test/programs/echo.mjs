// Echoes on a listener with the options of its argument, or on what systemd passed; says where, and on SIGHUP
// suspends and resumes.

import * as tcp from '@fairlead/tcp'

const [inherited] = tcp.listenFds()
const options = inherited ? { fd: inherited.fd } : JSON.parse(process.argv[2])
const listener = await tcp.listen(options, (connection) => ({
  onData: (chunk) => void connection.write(chunk),
}))
console.log(JSON.stringify({ address: listener.address, name: inherited?.name }))

process.on('SIGHUP', async () => {
  await listener.suspend()
  await listener.resume().then(
    () => console.log('resumed'),
    (error) => console.log(String(error)),
  )
})
