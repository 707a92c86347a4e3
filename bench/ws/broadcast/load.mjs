import { hear } from '../clients.mjs'

export { missing } from '../clients.mjs'

process.env.FAIRLEAD_BENCH_MESSAGES = '1'

/** One message of 128 bytes to 1,000 clients; the next when all have heard it. */
export const load = (port) => hear(port, { connections: 1_000, rounds: 60, messages: 1, size: 128 })
