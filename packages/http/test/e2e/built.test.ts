import { inspect } from 'node:util'

import { Fields, Headers, IncomingResponse, Request, Response } from '@fairlead/http'
import { expect, test } from 'vitest'

// Libraries that look for a Response by the name of its constructor must find it in what is built, too, and so must
// people who look at an answer.
test.each([
  ['Fields', Fields],
  ['Headers', Headers],
  ['IncomingResponse', IncomingResponse],
  ['Request', Request],
  ['Response', Response],
])('%s has its name', (name, made) => {
  expect(made.name).toBe(name)
  expect(made.prototype.constructor.name).toBe(name)
})

test('an answer is shown by its name, and so is its body', () => {
  const response = IncomingResponse.of(200, { 'X-A': 'b' }, 'ahoy')
  expect(inspect(response)).toMatch(/^IncomingResponse \{[^]*headers: Fields \{ 'X-A': 'b' \}/)
  expect(inspect(response.body)).toMatch(/^IncomingBody /)
})
