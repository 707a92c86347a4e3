import { onTestFinished } from 'vitest'

import { serveFiles } from '../../src/files/index.ts'
import type { ServeFilesOptions } from '../../src/files/options.ts'
import { type Fields, request, serve } from '../../src/index.ts'

/** What came, its body as text. */
export interface Answered {
  readonly status: number
  readonly headers: Fields
  readonly body: string
}

export type Ask = (
  path: string,
  init?: { method?: string; headers?: Record<string, string> },
) => Promise<Answered>

/** Asks over a real connection. */
export async function asking(root: string | URL, options: ServeFilesOptions = {}): Promise<Ask> {
  const server = await serve({ port: 0 }, serveFiles(root, options) as never)
  onTestFinished(() => server.destroy())
  const { address } = server
  if (address.kind !== 'ip') throw new Error('no port')
  return async (path, init = {}) => {
    const response = await request(`http://127.0.0.1:${address.port}${path}`, init)
    const body = await response.text()
    return { status: response.status, headers: response.headers, body }
  }
}
