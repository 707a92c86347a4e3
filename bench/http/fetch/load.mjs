import { asking } from '../servers.mjs'

export { missing } from '../servers.mjs'

/** For the reader: undici as it is published now; the runtime's own is older. */
export const others = { 'undici.fetch': new URL('undici.mjs', import.meta.url) }

/** One connection, one request at a time. */
export const load = asking(1)
