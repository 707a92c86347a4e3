// The loop in C: a limit to compare with, and a flood that is faster than whoever receives it.

import { compile } from '../compile.mjs'

export const program = compile(new URL('sendmsg.c', import.meta.url))
