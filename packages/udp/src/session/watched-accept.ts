import { type Accept, SocketError } from '@fairlead/core'

import type { Counters } from '../stats.ts'

/** `accept`, with what it throws or rejects with counted; what becomes of that is up to whoever calls it. */
export function watchedAccept<C, In>(accept: Accept<C, In>, counters: Counters): Accept<C, In> {
  const failed = (error: unknown): void => {
    counters.handlerErrors++
    counters.lastError = SocketError.from(error, 'Accept callback failed')
  }
  return (connection) => {
    try {
      const answer = accept(connection)
      if (answer instanceof Promise) answer.catch(failed)
      return answer
    } catch (error) {
      failed(error)
      throw error
    }
  }
}
