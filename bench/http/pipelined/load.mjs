import { ask } from '../clients.mjs'

const connections = 16
const requests = 3_200

export const servers = new URL('../hello/', import.meta.url)
export const units = connections * requests

/** 16 requests on the way at a time on each of 16 connections. */
export const load = (port) => ask(port, { connections, requests, depth: 16 })
