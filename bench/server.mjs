// The server's side of a benchmark: a process of its own, which tells its port and, when asked, what it has used.

/** Tells the port, and answers questions from then on. */
export function ready(port) {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    globalThis.gc()
    const { heapUsed, external } = process.memoryUsage()
    process.send({ cpu: user + system, memory: heapUsed + external })
  })
  process.on('disconnect', () => process.exit())
  process.send({ port })
}
