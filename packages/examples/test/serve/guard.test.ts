import { expect, test } from 'vitest'

import { refusalOf } from '../../src/serve/guard.ts'

const here = { loopback: true, tls: false }
const network = { loopback: false, tls: false }

function refusal(
  options: typeof here,
  method: string,
  host: string,
  fields: Record<string, string> = {},
): string | undefined {
  return refusalOf({ method, headers: new Headers({ host, ...fields }) }, options)
}

test.each(['localhost:8080', 'LOCALHOST', 'app.localhost', '127.0.0.1:8080', '127.1.2.3', '[::1]:8080'])(
  'on loopback, %s may be its name',
  (host) => expect(refusal(here, 'GET', host)).toBeUndefined(),
)

test.each([
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '127.evil.example',
  '192.168.1.2',
  '',
  'a b',
])('on loopback, %j may not: a page of another site may have been made to point here', (host) => {
  expect(refusal(here, 'GET', host)).toMatch(/loopback/)
})

test('in a network, it has names of which it does not know', () => {
  expect(refusal(network, 'GET', 'desk.fritz.box')).toBeUndefined()
})

const host = '192.168.1.2:8080'

test.each([
  [{}],
  [{ origin: `http://${host}` }],
  [{ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }],
  [{ 'sec-fetch-site': 'none' }],
])('programs and its own page may send: %j', (fields) => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    expect(refusal(network, method, host, fields)).toBeUndefined()
  }
})

test.each([
  [{ origin: 'http://evil.example' }],
  [{ origin: 'null' }],
  [{ origin: 'http://192.168.1.2' }],
  [{ origin: 'http://192.168.1.2:8081' }],
  [{ origin: `https://${host}` }],
  [{ origin: `http://${host}.evil.example` }],
  [{ 'sec-fetch-site': 'cross-site' }],
  [{ 'sec-fetch-site': 'same-site' }],
])('pages of others may not: %j', (fields) => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    expect(refusal(network, method, host, fields)).toMatch(/own|of this server/)
  }
  expect(refusal(network, 'GET', host, fields)).toBeUndefined()
})

test('under TLS, its page is the one that came by TLS', () => {
  const tls = { loopback: false, tls: true }
  expect(refusal(tls, 'POST', 'desk', { origin: 'https://desk' })).toBeUndefined()
  expect(refusal(tls, 'POST', 'desk', { origin: 'http://desk' })).toBeDefined()
})
