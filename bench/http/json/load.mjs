import { ask, hello } from '../clients.mjs'

/** The same with the runtime's own `Response`. */
export const others = { 'global Response': new URL('global.mjs', import.meta.url) }

export const load = (port) => ask(port, [hello], { connections: 64, requests: 32_000 })
