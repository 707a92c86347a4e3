import { echo } from '../../clients.mjs'

export { missing } from '../../clients.mjs'

export const servers = new URL('..', import.meta.url)

/** 100 clients, one message of 64 bytes at a time on each. */
export const load = (port) => echo(port, { connections: 100, messages: 60_000, size: 64 })
