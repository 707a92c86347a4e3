import type { CloseReason, ConnectionHandler } from '@fairlead/core'

import type { RecordReader } from './fixture.ts'

/** What else a recording handler does. Without `onEnd`, the end is answered with an end. */
export type Also = Omit<ConnectionHandler<unknown>, 'onData'> & { onText?(text: string): void }

/** A handler that writes down what it hears. */
export interface Recording {
  readonly handler: ConnectionHandler<unknown>
  /** The texts, in order. */
  readonly texts: string[]
  /** Why it was told that the connection is closed; one entry at most, says the contract. */
  readonly reasons: CloseReason[]
  /** Everything it heard, in order: `data`, `end`, `drain`, `shutdown`, `close`. */
  readonly heard: string[]
}

export function recording(reader: RecordReader<unknown>, also: Also = {}): Recording {
  const { onText, onEnd, onDrain, onShutdown, onClose, onTrouble } = also
  const texts: string[] = []
  const reasons: CloseReason[] = []
  const heard: string[] = []
  const handler: ConnectionHandler<unknown> = {
    onData(data) {
      heard.push('data')
      for (const text of reader.push(data)) {
        texts.push(text)
        onText?.(text)
      }
    },
    onClose(reason) {
      heard.push('close')
      reasons.push(reason)
      return onClose?.(reason)
    },
    onDrain() {
      heard.push('drain')
      return onDrain?.()
    },
  }
  if (onTrouble) handler.onTrouble = onTrouble
  // Without these two the house answers, so they are there only when asked for.
  if (onEnd) {
    handler.onEnd = () => {
      heard.push('end')
      return onEnd()
    }
  }
  if (onShutdown) {
    handler.onShutdown = (grace) => {
      heard.push('shutdown')
      return onShutdown(grace)
    }
  }
  return { handler, texts, reasons, heard }
}
