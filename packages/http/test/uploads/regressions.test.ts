import { expect, test } from 'vitest'

import { parts } from '../../src/uploads/index.ts'

const type = { 'Content-Type': 'multipart/form-data; boundary=xx' }

/** The names of the parts of such a form. */
async function namesIn(body: string): Promise<string[]> {
  const names: string[] = []
  const request = new Request('http://localhost/', { method: 'POST', headers: type, body })
  for await (const part of parts(request)) names.push(part.name)
  return names
}

const whole = (name: string): string => `--xx\r\nContent-Disposition: form-data; name=${name}\r\n\r\nahoy\r\n`
const headless = '--xx\r\nContent-Disposition: form-data; name=lost\r\n'

test.each([
  ['alone', `${headless}--xx--\r\n`],
  ['the last one', `${whole('a')}${headless}--xx--\r\n`],
  ['the first one', `${headless}${whole('a')}--xx--\r\n`],
  ['between two', `${whole('a')}${headless}${whole('b')}--xx--\r\n`],
  ['without a field', `${whole('a')}--xx\r\n--xx--\r\n`],
])('a part whose header does not end is refused, and not left out: %s', async (_, body) => {
  await expect(namesIn(body)).rejects.toThrow('no end of its header')
})

test('a form whose parts are whole is taken', async () => {
  expect(await namesIn(`${whole('a')}${whole('b')}--xx--\r\n`)).toEqual(['a', 'b'])
})
