import { asking } from '../../servers.mjs'

export { missing, others } from '../load.mjs'

export const servers = new URL('../', import.meta.url)

/** 50 connections, one request at a time on each. */
export const load = asking(50)
