import { echo, missing as clients, startEcho } from '../../clients.mjs'
import { missing as websockify } from '../../websockify.mjs'

export const missing = clients ?? websockify

export const servers = new URL('..', import.meta.url)
export const peer = new URL('../../websockify.mjs', import.meta.url)

if (!missing) await startEcho()

/** 8 clients, one message of 64 KiB at a time on each. */
export const load = (port) => echo(port, { connections: 8, messages: 12_000, size: 65_536 })
