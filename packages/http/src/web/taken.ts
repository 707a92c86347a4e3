import { copyList } from './headers.ts'
import { type Taken, takeResponse } from './response.ts'
import { onceFound, runtime, type RuntimeResponse } from './runtime.ts'

/**
 * What a handler gave, taken apart to be sent: a response of ours, of the runtime, or of anybody who writes them
 * as the Fetch standard does, such as another install of this package.
 *
 * @throws TypeError for what is no response, and for one whose body was used.
 */
export function take(value: unknown): Taken {
  const taken = takeResponse(value)
  if (taken) return taken
  if (!isResponse(value)) throw new TypeError('Cannot respond: the handler returned no Response')
  // Before its body is looked at: on Bun, the type of a form is forgotten then.
  const list = shortcut ? undefined : copyList(value.headers)
  const { status, body } = value
  if (value.bodyUsed || body?.locked === true || sent.has(value)) {
    throw new TypeError('Cannot respond: the body was used already')
  }
  const whole = shortcut?.(value)
  if (whole) return whole
  return { status, list: list ?? copyList(value.headers), body: body as ReadableStream<Uint8Array> | null }
}

function isResponse(value: unknown): value is RuntimeResponse {
  if (value instanceof runtime.Response) return true
  if (typeof value !== 'object' || value === null) return false
  const { status, headers, body } = value as Partial<RuntimeResponse>
  return (
    typeof status === 'number' &&
    typeof headers?.[Symbol.iterator] === 'function' &&
    (body === null || typeof body?.getReader === 'function')
  )
}

/** Those whose body was taken past their stream, which does not know of it. */
const sent = new WeakSet<object>()

/** What undici 6 (Node 20 and 22) keeps of a `Response`; it is looked for, not relied upon. */
interface State {
  readonly status: number
  readonly headersList?: { readonly entriesList: readonly (readonly [string, string])[] }
  readonly body: { readonly source: unknown } | null
}

/**
 * Reading text out of the stream that the runtime makes of it costs more than all the rest of a request. Where the
 * text itself can be seen to stand beside the stream, it is taken.
 */
let shortcut: ((response: object) => Taken | undefined) | undefined
onceFound(() => void (shortcut = findShortcut()))

function findShortcut(): typeof shortcut {
  const headers: [string, string][] = [
    ['X-Probe', 'yes'],
    ['Set-Cookie', 'a'],
    ['Set-Cookie', 'b'],
  ]
  const probe = new runtime.Response('probe', { status: 201, headers })
  for (const symbol of Object.getOwnPropertySymbols(probe)) {
    const seen = takeState(probe, symbol)
    const list = seen?.list.join().toLowerCase()
    if (seen?.body !== 'probe' || seen.status !== 201) continue
    if (list?.startsWith('x-probe,yes,') && list.includes('set-cookie,a,set-cookie,b')) {
      return (response) => takeState(response, symbol)
    }
  }
  return undefined
}

function takeState(response: object, symbol: symbol): Taken | undefined {
  const state = (response as Record<symbol, State | undefined>)[symbol]
  const source = state?.headersList && state.body?.source
  const body = typeof source === 'string' ? source : source instanceof Uint8Array && wholeBytes(source)
  if (typeof body !== 'string' && !body) return undefined
  const list: string[] = []
  for (const [name, value] of state!.headersList!.entriesList) list.push(name, value)
  sent.add(response)
  return { status: state!.status, list, body }
}

/**
 * A copy: bytes leave with the first piece of the stream that a clone reads, and none are left then, or are no more
 * while they are sent.
 */
function wholeBytes(source: Uint8Array): Uint8Array | undefined {
  return source.byteLength > 0 ? source.slice() : undefined
}
