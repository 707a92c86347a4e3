import { describe, expect, test } from 'vitest'

import type { OnExchange } from '../../src/index.ts'
import { fetching } from './fetching.ts'

/** `/302/x` sends to `/x`, `/n` to `/n-1` and so on down to `/0`, which tells what it got. */
const guide: OnExchange = async (exchange) => {
  const { method, target, headers, body } = exchange.request
  const text = await body.text()
  const [, first = '', rest] = /^\/(\d+)(\/.*)?$/.exec(target) ?? []
  if (rest !== undefined) return exchange.respond(Number(first), { Location: rest }, 'moved')
  if (Number(first) > 0) return exchange.respond(302, { Location: `/${Number(first) - 1}` })
  return exchange.respond(200, {}, JSON.stringify([method, text, headers.get('content-type') ?? null]))
}

const statuses = [301, 302, 303, 307, 308]

describe('redirect: follow', () => {
  test.each(statuses)('goes on at %i, and says so', async (status) => {
    await using world = await fetching(guide)
    const response = await world.fetch(`http://a/${status}/end?x#y`)
    expect([response.status, response.url, response.redirected, response.type]).toEqual([
      200,
      'http://a/end?x',
      true,
      'basic',
    ])
  })

  test.each([
    [301, 'POST', ['GET', '', null]],
    [302, 'POST', ['GET', '', null]],
    [303, 'POST', ['GET', '', null]],
    [303, 'PUT', ['GET', '', null]],
    [302, 'PUT', ['PUT', 'ahoy', 'text/plain;charset=UTF-8']],
    [307, 'POST', ['POST', 'ahoy', 'text/plain;charset=UTF-8']],
    [308, 'POST', ['POST', 'ahoy', 'text/plain;charset=UTF-8']],
  ])('of %i to %s asks on as it should, of a Request, too', async (status, method, seen) => {
    await using world = await fetching(guide)
    const init = { method, body: 'ahoy' }
    expect(await (await world.fetch(`http://a/${status}/`, init)).json()).toEqual(seen)
    expect(await (await world.fetch(new Request(`http://a/${status}/`, init))).json()).toEqual(seen)
  })

  test.each([307, 308])('cannot send a stream twice, at %i', async (status) => {
    await using world = await fetching(guide)
    const body = new Blob(['ahoy']).stream()
    const init = { method: 'POST', body, duplex: 'half' as const }
    await expect(world.fetch(`http://a/${status}/`, init)).rejects.toThrow(TypeError)
  })

  test('goes on twenty times, and no more', async () => {
    await using world = await fetching(guide)
    expect((await world.fetch('http://a/20')).url).toBe('http://a/0')
    await expect(world.fetch('http://a/21')).rejects.toThrow(TypeError)
  })

  test('is not kept from an answer without a place to go', async () => {
    await using world = await fetching((exchange) => exchange.respond(302, {}, 'stay'))
    const response = await world.fetch('http://a/')
    expect([response.status, response.redirected, await response.text()]).toEqual([302, false, 'stay'])
  })

  test.each(['http://user:word@b/', 'data:text/plain,x', 'http://[/'])(
    'does not go to %s',
    async (Location) => {
      await using world = await fetching((exchange) => exchange.respond(302, { Location }))
      await expect(world.fetch('http://a/')).rejects.toThrow(TypeError)
    },
  )
})

describe('redirect: manual', () => {
  test.each(statuses)('gives the answer of %i itself, as a server can do with it', async (status) => {
    await using world = await fetching(guide)
    for (const response of [
      await world.fetch(`http://a/${status}/end`, { redirect: 'manual' }),
      await world.fetch(new Request(`http://a/${status}/end`, { redirect: 'manual' })),
    ]) {
      const { type, url, redirected, headers } = response
      expect([response.status, type, url, redirected, headers.get('location')]).toEqual([
        status,
        'basic',
        `http://a/${status}/end`,
        false,
        '/end',
      ])
      expect(await response.text()).toBe('moved')
    }
  })
})

describe('redirect: error', () => {
  test.each(statuses)('is what it says at %i', async (status) => {
    await using world = await fetching(guide)
    const fetched = world.fetch(`http://a/${status}/?secret`, { redirect: 'error' })
    await expect(fetched).rejects.toThrow(
      new TypeError(
        `Cannot GET http://a/${status}/: the answer is a redirect (${status}), which is an error here`,
      ),
    )
  })

  test('leaves all other answers alone', async () => {
    await using world = await fetching((exchange) => exchange.respond(304))
    expect((await world.fetch('http://a/', { redirect: 'error' })).status).toBe(304)
  })
})
