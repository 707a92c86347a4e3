import { echo } from '../../clients.mjs'

export { missing } from '../../clients.mjs'

export const servers = new URL('..', import.meta.url)

/** 100 clients, one message of 16 KiB at a time on each. */
export const load = (port) => echo(port, { connections: 100, messages: 20_000, size: 16 * 1024 })
