import { describe, expect, test } from 'vitest'

import { serve } from '../../src/index.ts'
import { front, sockets } from '../proxy/stage.ts'
import { head, portOf } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

/** Ways to write a path that somebody may not see. */
const paths = [
  '/admin',
  '/admin/',
  '/./admin',
  '/a/../admin',
  '/a/%2e%2e/admin',
  '/a/.%2e/admin',
  '/a/..\\admin',
  '/\\admin',
  '\\admin',
  '/a\\..\\admin',
  '//admin',
  '/a//../admin',
  '/%61dmin',
  '/admin%2F..%2Fa',
  '/a/..%2fadmin',
  '/a/..%5cadmin',
  '/a/%2e%2e%2fadmin',
  '/a/..;/admin',
  '/admin\0',
  '/admin%00',
  '/admin::$DATA',
  '/admin.',
  '/%c0%ae%c0%ae/admin',
  '/a?/../admin',
  'http://example/a/../admin',
  'http://example\\admin',
]

describe('14 a rule in front of a proxy, and the server behind it', () => {
  test.each(paths)('read the same of %j', async (path) => {
    const behind: string[] = []
    await using server = await serve({ port: 0, idleGrace: 0 }, ({ url }) => {
      behind.push(new URL(url).pathname)
      return new Response('ok')
    })
    const rule: string[] = []
    await using at = await front(sockets, `http://127.0.0.1:${portOf(server)}`, {
      handler: (app) => (request, context) => {
        const { pathname } = new URL(request.url)
        rule.push(pathname)
        return /^\/+admin/.test(pathname) ? new Response('no', { status: 403 }) : app(request, context)
      },
    })
    const client = await at.client()
    client.write(head(`GET ${path} HTTP/1.1`, 'Connection: close'))
    const [reply] = await client.allReplies()
    expect([200, 400, 403]).toContain(reply?.status)
    expect(behind).toEqual(reply?.status === 200 ? rule : [])
    expect(behind.some((seen) => /^\/+admin/.test(seen))).toBe(false)
  })

  test.each(['/../secret', '/%2e%2e/secret', '/a/../../secret', '/..\\secret', '/.%2E\\secret'])(
    'a target with a path is not left by %s',
    async (path) => {
      const behind: string[] = []
      await using server = await serve({ port: 0, idleGrace: 0 }, ({ url }) => {
        behind.push(new URL(url).pathname)
        return new Response('ok')
      })
      await using at = await front(sockets, `http://127.0.0.1:${portOf(server)}/public`)
      const client = await at.client()
      client.write(head(`GET ${path} HTTP/1.1`))
      await client.replies(1)
      expect(behind).toEqual(['/public/secret'])
    },
  )
})
