import { upgrade } from '../clients.mjs'

export { missing } from '../clients.mjs'

export const servers = new URL('../echo/', import.meta.url)

/** 50 at a time: connect, upgrade, close. */
export const load = (port) => upgrade(port, { connections: 50, upgrades: 6_000 })
