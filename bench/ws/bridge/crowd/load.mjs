import { echo, missing as clients, startEcho } from '../../clients.mjs'
import { missing as websockify } from '../../websockify.mjs'

export const missing = clients ?? websockify

export const servers = new URL('..', import.meta.url)
export const peer = new URL('../../websockify.mjs', import.meta.url)
export const peak = true
if (!missing) await startEcho()

/** 200 clients, one message of 256 bytes at a time on each. */
export const load = (port) => echo(port, { connections: 200, messages: 60_000, size: 256 })
