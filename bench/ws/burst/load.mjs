import { hear } from '../clients.mjs'

export { missing } from '../clients.mjs'

export const servers = new URL('../broadcast/', import.meta.url)

process.env.FAIRLEAD_BENCH_MESSAGES = '16'

/** 16 messages in one turn, each of 128 bytes to 1,000 clients; the next 16 when all have heard them. */
export const load = (port) => hear(port, { connections: 1_000, rounds: 20, messages: 16, size: 128 })
