import { ask, hello } from '../clients.mjs'

export { missing } from '../clients.mjs'

export const servers = new URL('../hello/', import.meta.url)

const connections = 64

/** As many as the server can answer. */
export const load = (port) => ask(port, [hello], { connections, requests: 32_000 })

/** So many a second for two seconds. */
export const pace = (port, rate) =>
  ask(port, [hello], { connections, requests: Math.round(rate * 2), rate: Math.round(rate) })
