import { type FetchHandler, type HttpListener, serve } from '../../src/index.ts'

/** An application that is served, for as long as somebody uses it. */
export interface Program extends AsyncDisposable {
  readonly url: string
  readonly server: HttpListener
  /** What the application threw. */
  readonly errors: unknown[]
  ask(path: string, init?: RequestInit): Promise<Response>
}

export async function run(handler: FetchHandler): Promise<Program> {
  const errors: unknown[] = []
  const server = await serve({ port: 0, idleGrace: 0, onError: (error) => void errors.push(error) }, handler)
  if (server.address.kind !== 'ip') throw new Error('not on a port')
  const url = `http://127.0.0.1:${server.address.port}`
  return {
    url,
    server,
    errors,
    ask: (path, init) => fetch(url + path, { redirect: 'manual', ...init }),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

export const json = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
})

/** A form with a text, a file of `size` bytes, and a name that is no name of one. */
export function form(size: number): FormData {
  const data = new FormData()
  data.set('name', 'ünï')
  data.set('__proto__', 'x')
  data.set('file', new Blob([Buffer.alloc(size, 'fairlead ')], { type: 'application/x-test' }), 'a b.bin')
  return data
}
