import { TimeoutError } from '@fairlead/core'

/**
 * The signal of an exchange with the reason that programs for the web look for (DOM standard section 3.2): an
 * `AbortError`, or a `TimeoutError`, whose cause is the exchange's own.
 */
export function standardSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort(standardReason(signal.reason))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return controller.signal
}

function standardReason(reason: unknown): DOMException {
  const { message } = reason as Error
  const name = reason instanceof TimeoutError ? 'TimeoutError' : 'AbortError'
  // Not every runtime takes a cause along with the name.
  return Object.defineProperty(new DOMException(message, name), 'cause', {
    value: reason,
    writable: true,
    configurable: true,
  })
}
