// The server's side of a benchmark: a process of its own, which tells its port and, when asked, its CPU time.

/** Tells the port, and answers questions from then on. */
export function ready(port) {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send({ cpu: user + system })
  })
  process.on('disconnect', () => process.exit())
  process.send({ port })
}
