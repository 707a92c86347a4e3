import { describe, expect, test } from 'vitest'

import { Client, type HttpListener, listen, type OnExchange, type RequestError } from '../../src/index.ts'
import { a, alice, b, ca } from '../server/tls-certificates.ts'
import { portOf } from '../server/ways.ts'
import { failure, nothing, standing } from './raw-server.ts'

const hello: OnExchange = async (exchange) => {
  const body = await exchange.request.body.text()
  return exchange.respond(
    200,
    {},
    `${exchange.request.target} ${exchange.request.headers.get('host')} ${body}`,
  )
}

const start = (tls: object = {}): Promise<HttpListener> =>
  listen({ port: 0, idleGrace: 0, tls: { ...a, ...tls } }, hello)

describe('https', () => {
  test('is spoken to a server that has the right certificate, on a connection that is kept', async () => {
    await using server = await start()
    const client = new Client({ tls: { ca } })
    const url = `https://localhost:${portOf(server)}`
    const got = await client.request(`${url}/a`, { body: 'ahoy' })
    expect([await got.text(), got.reused, got.tls?.protocol]).toEqual([
      `/a localhost:${portOf(server)} ahoy`,
      false,
      expect.stringMatching(/^TLSv1/),
    ])
    const again = await client.request(`${url}/b`)
    expect([await again.text(), again.reused, again.remoteAddress?.kind]).toEqual([
      `/b localhost:${portOf(server)} `,
      true,
      'ip',
    ])
    expect(Object.keys(client.stats().origins)).toEqual([url])
    await client.close()
  })

  test('offers http/1.1 and nothing else', async () => {
    await using server = await start()
    const client = new Client({ tls: { ca } })
    const got = await client.request(`https://127.0.0.1:${portOf(server)}/`)
    expect([got.tls?.alpn, got.status]).toEqual(['http/1.1', 200])
    await client.close()
  })

  test('goes on with the session of the connection before', async () => {
    await using server = await start()
    const client = new Client({ tls: { ca } })
    const url = `https://localhost:${portOf(server)}/`
    const first = await client.request(url, { headers: { Connection: 'close' } })
    await first.text()
    const second = await client.request(url)
    await second.text()
    expect([second.reused, second.tls?.resumed]).toEqual([false, true])
    await client.close()
  })

  test.each([
    ['a name that the certificate is not for', b, { ca }],
    ['an authority that nobody believes', a, {}],
  ])('is refused with %s, and nothing was sent', async (_what, identity, tls) => {
    await using server = await start(identity)
    const client = new Client({ tls })
    const error = await failure<RequestError>(
      client.request(`https://localhost:${portOf(server)}/a?secret`, { body: 'secret' }),
    )
    expect(error).toMatchObject({
      name: 'RequestError',
      phase: 'tls',
      bytesWritten: 0,
      attempts: 0,
      method: 'POST',
    })
    expect(error.message).toMatch(/^Cannot POST https:\/\/localhost:\d+\/a: .+ \(tls; nothing was sent; /)
    expect(error.message).not.toContain('secret')
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
    await client.close()
  })

  test('shows a certificate of its own to a server that wants one', async () => {
    await using server = await listen(
      { port: 0, idleGrace: 0, tls: { ...a, clientCertificate: 'require', ca } },
      (exchange) => exchange.respond(200, {}, exchange.tls?.peerCertificate?.subject ?? 'nobody'),
    )
    const client = new Client({ tls: { ca, ...alice } })
    expect(await (await client.request(`https://localhost:${portOf(server)}/`)).text()).toBe('CN=alice')
    const nobody = new Client({ tls: { ca } })
    // In TLS 1.3 a client hears of it behind its own handshake.
    expect(await failure(nobody.request(`https://localhost:${portOf(server)}/`))).toMatchObject({
      name: 'RequestError',
    })
    await nobody.close()
    await client.close()
  })

  test('to a server that speaks none is an error', async () => {
    await using server = await listen({ port: 0, idleGrace: 0 }, hello)
    const client = new Client({ tls: { ca } })
    expect(await failure(client.request(`https://localhost:${portOf(server)}/`))).toMatchObject({
      name: 'RequestError',
      phase: 'tls',
      bytesWritten: 0,
    })
    await client.close()
  })

  test('is another origin than http on the same port', async () => {
    await using server = await start()
    const client = new Client({ tls: { ca } })
    await client.request(`https://localhost:${portOf(server)}/`)
    await failure(client.request(`http://localhost:${portOf(server)}/`))
    expect((await client.request(`https://localhost:${portOf(server)}/`)).reused).toBe(true)
    await client.close()
  })

  test('may be asked over a redirect, which keeps secrets back', async () => {
    let seen: string | undefined
    await using server = await listen({ port: 0, idleGrace: 0, tls: a }, (exchange) => {
      seen = exchange.request.headers.get('authorization') ?? 'none'
      return exchange.respond(200, {}, 'secure')
    })
    await using plain = await listen({ port: 0, idleGrace: 0 }, (exchange) =>
      exchange.respond(301, { Location: `https://localhost:${portOf(server)}/` }),
    )
    const client = new Client({ tls: { ca } })
    const got = await client.request(`http://localhost:${portOf(plain)}/`, {
      headers: { Authorization: 'Bearer t' },
    })
    expect([await got.text(), seen]).toEqual(['secure', 'none'])
    await client.close()
  })
})
