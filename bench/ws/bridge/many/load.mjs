import { echo, missing as clients, startEcho } from '../../clients.mjs'
import { missing as websockify } from '../../websockify.mjs'

export const missing = clients ?? websockify

export const servers = new URL('..', import.meta.url)
export const peer = new URL('../../websockify.mjs', import.meta.url)

if (!missing) await startEcho()

/** 50 clients, one message of 1 KiB at a time on each. */
export const load = (port) => echo(port, { connections: 50, messages: 40_000, size: 1024 })
