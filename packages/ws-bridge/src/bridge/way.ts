import type { Address } from '@fairlead/core'

import { targetPolicy } from '../guard/targets.ts'
import type { Opening } from '../handshake.ts'
import { dial, type PlainConnection } from './dial.ts'
import type { PlainTarget } from './endpoints.ts'
import type { BridgeOptions } from './options.ts'
import { BridgeRefusal } from './refusals.ts'
import { tokenIn, Tokens } from './tokens.ts'

/** Where WebSockets are led to. */
export interface Way {
  /** What the request says of its target; undefined when it is not meant for this bridge. */
  tokenIn(request: Opening, path: string): string | undefined
  /** @throws BridgeRefusal when there is no such token, what its function throws. */
  targetOf(token: string, request: Opening): PlainTarget | Promise<PlainTarget>
  /** Connects to it. @throws as `connect` does. */
  dial(target: PlainTarget, signal: AbortSignal): Promise<PlainConnection>
}

/** Where WebSockets are led to: to one target, or to one by token. @throws SocketError when the tokens cannot be read. */
export async function wayTo(
  fixed: PlainTarget | undefined,
  base: string,
  options: BridgeOptions,
): Promise<Way> {
  const { to, connect = {} } = options
  if (typeof to === 'string') {
    const target = fixed as PlainTarget
    return {
      tokenIn: (_, path) => (base === '/' || path === base ? '' : undefined),
      targetOf: () => target,
      dial: (_, signal) => dial(target, connect, undefined, signal),
    }
  }
  const { by = 'query' } = to
  const allow = forbidding(targetPolicy(to.allow, 'to.allow'))
  const tokens = new Tokens(to.tokens)
  await tokens.check()
  return {
    tokenIn: (request, path) => tokenIn(request, path, base, by),
    async targetOf(token, request) {
      const target = await tokens.targetOf(token, request)
      if (!target) throw new BridgeRefusal('token')
      return target
    },
    dial: (target, signal) => dial(target, connect, allow, signal),
  }
}

/** What it throws forbids the address, and is told as the cause. */
function forbidding(allow: (address: Address) => boolean): (address: Address) => boolean {
  return (address) => {
    try {
      return allow(address)
    } catch (cause) {
      throw new BridgeRefusal('policy', { cause })
    }
  }
}
