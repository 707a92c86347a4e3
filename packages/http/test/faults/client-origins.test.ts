import { inspect } from 'node:util'

import { connectBytes, listenBytes } from '@fairlead/core/memory'
import { describe, expect, test } from 'vitest'

import { Client, clientChannels, type ClientOptions, type RequestError } from '../../src/index.ts'
import { answer, failure, RawPeer, response, type Script } from '../client/raw-server.ts'
import { quiet } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

let names = 0

/** Servers under any name there is: what each of them was told, by the origin that was connected to. */
async function internet(script: Script): Promise<{
  told: Map<string, RawPeer[]>
  options: ClientOptions
  close(): Promise<void>
}> {
  const told = new Map<string, RawPeer[]>()
  const at = `internet-${++names}`
  const whom: string[] = []
  const listener = await listenBytes(at, (connection) => {
    const origin = whom.shift()!
    told.set(origin, [...(told.get(origin) ?? []), new RawPeer(connection, script)])
  })
  const options: ClientOptions = {
    connect: ({ origin, signal }) => {
      whom.push(origin)
      return connectBytes(at, { signal })
    },
  }
  return { told, options, close: () => listener.close({ grace: 0 }) }
}

const secrets = {
  Authorization: 'Bearer s3cret',
  Cookie: 'session=s3cret',
}

const others = [
  'http://127.evil.example/',
  'http://a.example.evil.example/',
  'http://evil.example/a.example',
  'http://sub.a.example/',
  'http://a.example:81/',
  'https://a.example/',
  'http://a.example./',
  '//evil.example/',
  '\\\\evil.example\\',
  '/\\evil.example',
  'http:\\\\evil.example',
  'http://[::1]/',
  'http://[::ffff:7f00:1]/',
  'http://0x7f.1/',
  'http://2130706433/',
]

const same = [
  'http://a.example/x',
  'http://A.EXAMPLE:80/x',
  '//a.example/x',
  '/x',
  '?x',
  'x',
  '',
  'http:/x',
  'HTTP://a.example:0080/x',
]

describe('19 a redirect', () => {
  const asked = async (location: string, status: number): Promise<Map<string, RawPeer[]>> => {
    const { told, options, close } = await internet(({ target }) =>
      target === '/first' ? response(`${status} Elsewhere`, '', `Location: ${location}`) : answer('there'),
    )
    const client = new Client(options)
    const got = await client
      .request('http://a.example/first', { headers: { ...secrets, 'X-Own': 'kept' }, redirects: 3 })
      .catch((error: unknown) => error as RequestError)
    // To itself without end, which is no redirect to elsewhere.
    if (got instanceof Error) expect(got).toMatchObject({ code: expect.stringMatching(/REDIRECT/) as string })
    await client.close()
    await close()
    return told
  }

  test.each(others)('to %j takes no secret along', async (location) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const told = await asked(location, status)
      expect(told.get('http://a.example')!.map(({ text }) => text.includes('s3cret'))).toEqual([true])
      const elsewhere = [...told.keys()].filter((origin) => origin !== 'http://a.example')
      expect(elsewhere).toHaveLength(1)
      const [{ text }] = told.get(elsewhere[0]!) as [RawPeer]
      expect(text).toContain('X-Own: kept')
      expect(text).not.toContain('s3cret')
    }
  })

  test.each(same)('to %j stays where it is, and keeps them', async (location) => {
    const told = await asked(location, 302)
    expect([...told.keys()]).toEqual(['http://a.example'])
    const requests = told.get('http://a.example')!.flatMap((peer) => peer.asked)
    expect(requests.length).toBeGreaterThan(1)
    for (const { fields } of requests) expect(fields.get('authorization')).toBe('Bearer s3cret')
  })

  test.each([
    'http://null',
    'null:',
    'file:///etc/passwd',
    'data:,x',
    'javascript:x',
    'unix:/var/run/docker.sock',
    'http://user:s3cret@a.example/',
    'http://a.example:0/',
    'http://a.example:99999/',
    'http://',
    'http://a b/',
    'http://a.example%00.evil.example/',
  ])('to %j tells nobody, or an error without what it says', async (location) => {
    const { told, options, close } = await internet(({ target }) =>
      target === '/first' ? response('302 Found', '', `Location: ${location}`) : answer('there'),
    )
    const client = new Client(options)
    const url = 'http://me:s3cret@a.example/first?token=s3cret#s3cret'
    const got = await client.request(url, { headers: secrets }).catch((error: unknown) => error)
    if (got instanceof Error) expect(inspect(got)).not.toContain('s3cret')
    for (const [origin, peers] of told) {
      if (origin !== 'http://a.example') for (const { text } of peers) expect(text).not.toContain('s3cret')
    }
    await client.close()
    await close()
  })

  test('back to where it came from is asked with what is in the URL alone', async () => {
    const { told, options, close } = await internet(({ target, fields }) => {
      if (target === '/first') return response('307 Elsewhere', '', 'Location: http://evil.example/')
      if (fields.get('host') === 'evil.example')
        return response('307 Back', '', 'Location: http://a.example/last')
      return answer('there')
    })
    const client = new Client(options)
    await (
      await client.request('http://me:s3cret@a.example/first', { headers: secrets, body: 'text' })
    ).text()
    const requests = told.get('http://a.example')!.flatMap((peer) => peer.asked)
    expect(requests.map(({ fields }) => [fields.has('cookie'), fields.has('authorization')])).toEqual([
      [true, true],
      [false, false],
    ])
    await client.close()
    await close()
  })
})

test('19 what is said to a proxy is said to no origin, and the other way round', async () => {
  const { told, options, close } = await internet(({ target }) => {
    if (target.endsWith('/first')) return response('302 Found', '', 'Location: https://b.example/second')
    return answer('there')
  })
  const client = new Client({
    ...options,
    proxy: (url) => (url.hostname === 'direct.example' ? undefined : 'http://u:s3cret@proxy.example:3128'),
  })
  await (await client.request('http://a.example/first')).text()
  await (await client.request('http://direct.example/third')).text()
  const credentials = `Proxy-Authorization: Basic ${Buffer.from('u:s3cret').toString('base64')}`
  for (const [origin, peers] of told) {
    for (const { text } of peers)
      expect([origin, text.includes(credentials)]).toEqual([origin, origin === 'http://proxy.example:3128'])
  }
  expect([...told.keys()]).toEqual([
    'http://proxy.example:3128',
    'https://b.example',
    'http://direct.example',
  ])
  expect(JSON.stringify(client.stats())).not.toContain('s3cret')
  await client.close()
  await close()
})

test('19 no error, statistic or diagnostic tells what is secret', async () => {
  const { options, close } = await internet(({ target }, peer) => {
    if (target.startsWith('/cut')) return peer.end()
    if (target.startsWith('/bad')) return 'HTTP/1.1 2xx s3cret\r\n\r\n'
    return answer('not json')
  })
  const client = new Client({ ...options, timeouts: { headers: 1_000 } })
  const heard: unknown[] = []
  const hear = (message: object): void => {
    const { response: _, connection: _1, ...rest } = message as { response?: unknown; connection?: unknown }
    heard.push(rest)
  }
  const channels = Object.values(clientChannels) as {
    subscribe(on: typeof hear): void
    unsubscribe(on: typeof hear): void
  }[]
  for (const channel of channels) channel.subscribe(hear)
  for (const path of ['cut', 'bad', 'good']) {
    const url = `http://me:s3cret@a.example/${path}?key=s3cret#s3cret`
    const got = await client
      .request(url, { headers: secrets, body: 's3cret' })
      .catch((error: unknown) => error)
    if (got instanceof Error) heard.push(got)
  }
  heard.push(await failure(client.request('http://me:s3cret@a b/')), client.stats())
  heard.push(await failure(client.request('http://a:b%3As3cret%0a@a.example/')))
  await quiet()
  for (const channel of channels) channel.unsubscribe(hear)
  expect(heard.length).toBeGreaterThan(10)
  for (const one of heard) expect(inspect(one, { depth: 10 })).not.toContain('s3cret')
  await client.close()
  await close()
})
