import { floodFrom } from '../flood.mjs'

export const flood = floodFrom(1)
