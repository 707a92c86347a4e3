import type { MemoryDatagramSocket } from '@fairlead/core/memory'
import { Deadline } from '@fairlead/core/transport'
import { afterEach, beforeEach, vi } from 'vitest'

import { decodeMessage, type Message } from '../../src/request/message.ts'

/** Enough turns of the event loop for datagrams in memory to get to the other side and back. */
export async function turns(count = 12): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Timers and deadlines go by a clock that moves when a test says so; datagrams arrive while it moves. */
export function useFakeTime(): { advance(milliseconds: number, step?: number): Promise<void> } {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    })
  })
  afterEach(() => {
    Deadline.use()
    vi.useRealTimers()
  })
  return {
    async advance(milliseconds, step = 50) {
      await turns()
      for (let left = milliseconds; left > 0; left -= step) {
        vi.advanceTimersByTime(Math.min(step, left))
        await turns()
      }
    },
  }
}

/** A peer without the protocol: says what a test wants, and keeps what it hears. */
export function raw(socket: MemoryDatagramSocket): { heard: Buffer[]; messages(): (Message | undefined)[] } {
  const heard: Buffer[] = []
  socket.handle({ onDatagram: (data) => void heard.push(Buffer.from(data)) })
  return { heard, messages: () => heard.map((datagram) => decodeMessage(datagram)) }
}

export function text(data: Uint8Array): string {
  return Buffer.from(data).toString()
}
