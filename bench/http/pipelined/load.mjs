import { ask, hello } from '../clients.mjs'

export const servers = new URL('../hello/', import.meta.url)

/** 16 requests on the way at a time on each of 16 connections. */
export const load = (port) => ask(port, [hello], { connections: 16, requests: 102_400, depth: 16 })
