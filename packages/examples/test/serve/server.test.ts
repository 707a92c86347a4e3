import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'

import { mimes } from 'mrmime'
import { expect, test } from 'vitest'

import type { LogEntry } from '../../src/serve/entry.ts'
import { useStage } from './cast.ts'

const stage = useStage()
const { at, ask, serve } = stage

test('a folder is listed for people and for programs, with names as they are', async () => {
  await writeFile(at('a <b> & "q"#?%.txt'), 'text')
  await mkdir(at('Ünï'))
  await serve()
  const page = await ask('/')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
  const html = await page.text()
  expect(html).toContain(`<title>${basename(stage.folder)}</title>`)
  expect(html).toContain('<bdi>a &lt;b&gt; &amp; &quot;q&quot;#?%.txt</bdi>')
  expect(html).toContain('href="a%20%3Cb%3E%20%26%20%22q%22%23%3F%25.txt"')
  expect(html).toContain('href="%C3%9Cn%C3%AF/"')
  expect(html).toContain('1 folder · 1 file · 4 B')
  expect(html).not.toContain('file-input')
  const json = await ask('/', { headers: { accept: 'application/json' } })
  expect(await json.json()).toMatchObject({
    path: '/',
    entries: [{ name: 'Ünï' }, { name: 'a <b> & "q"#?%.txt', size: 4 }],
  })
  expect(await (await ask('/?format=json')).json()).toMatchObject({ path: '/' })
  expect(await (await ask('/%C3%9Cn%C3%AF/')).text()).toContain('Nothing here yet.')
})

test('the page says how it is sorted, and links to the other ways', async () => {
  await serve()
  await writeFile(at('x'), '')
  const html = await (await ask('/?sort=size&order=desc')).text()
  expect(html).toMatch(/class="size" aria-sort="descending"\s*>\s*<a href="\?sort=size&amp;order=asc"/)
  expect(html).toMatch(/class="name"\s*>\s*<a href="\?sort=name&amp;order=asc"/)
  expect(html).toMatch(/class="modified"\s*>\s*<a href="\?sort=modified&amp;order=desc"/)
})

test('what the page consists of may be kept for ever', async () => {
  await serve()
  const html = await (await ask('/')).text()
  const [, script = ''] = /type="module" src="(\S+)"/.exec(html) ?? []
  const answer = await ask(script)
  expect(answer.headers.get('cache-control')).toContain('immutable')
  expect(answer.headers.get('content-type')).toMatch(/^text\/javascript/)
  expect((await ask(script.replace('app.js', 'nothing.js'))).status).toBe(404)
  expect((await ask(script.replace('app.js', 'tus.min.js'))).status).toBe(200)
})

test('where anybody may send files, no page among them runs in its name', async () => {
  await writeFile(at('page.html'), '<script>alert(1)</script>')
  await writeFile(at('picture.png'), 'png')
  await serve({ upload: true })
  expect((await ask('/page.html')).headers.get('content-security-policy')).toBe('sandbox')
  expect((await ask('/picture.png')).headers.get('content-security-policy')).toBeNull()
})

test('of all types that there are, only those in which nothing runs are shown without a sandbox', async () => {
  const inert =
    /^(?:audio|image|video)\/(?!svg)|^application\/(?:gzip|pdf|zip)$|^text\/(?:csv|markdown|plain)(?:;|$)/
  const names = [...Object.keys(mimes), 'unknown'].map((extension) => `page.png.${extension}`)
  await Promise.all(names.map((name) => writeFile(at(name), '')))
  await serve({ upload: true })
  const free: string[] = []
  const show = async (name: string): Promise<void> => {
    const { status, headers } = await ask(`/${name}`, { method: 'HEAD' })
    if (headers.get('content-security-policy') === 'sandbox') return
    free.push(name)
    expect([status, name, headers.get('content-type')]).toEqual([200, name, expect.stringMatching(inert)])
  }
  for (let at = 0; at < names.length; at += 50) await Promise.all(names.slice(at, at + 50).map(show))
  expect(free.length).toBeGreaterThan(20)
  expect(free.length).toBeLessThan(names.length / 4)
})

test('nothing hidden, outside or its own is served', async () => {
  await mkdir(at('.git'))
  await writeFile(at('.git/config'), 'secret')
  await symlink(tmpdir(), at('out'))
  await serve({ upload: true })
  for (const path of [
    '/.git/config',
    '/out/',
    '/.fairlead/',
    '/.fairlead/resumable/',
    '/%2eFairLead/',
    '/.fairlead/page/',
    '/.fairlead/page/x/app.js/x',
  ]) {
    expect((await ask(path)).status, path).toBe(404)
  }
  const page = await (await ask('/')).text()
  expect(page).not.toContain('data-name=".')
})

test('with dotfiles all but its own is', async () => {
  await mkdir(at('.git'))
  await writeFile(at('.git/config'), 'open')
  await serve({ upload: true, dotfiles: true })
  expect(await (await ask('/.git/config')).text()).toBe('open')
  expect((await ask('/.fairlead/resumable/')).status).toBe(404)
  const page = await (await ask('/')).text()
  expect(page).toContain('data-name=".git"')
  expect(page).not.toContain('data-name=".fairlead"')
})

test('without --upload nothing is taken, and nothing is written', async () => {
  await serve()
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'PROPFIND']) {
    const answer = await ask('/x', { method, ...(method === 'PUT' ? { body: 'x' } : {}) })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  }
  expect((await ask('/.fairlead/uploads', { method: 'POST' })).status).toBe(404)
  expect(await readdir(stage.folder)).toEqual([])
})

test('an application of one page answers browsers wherever they go', async () => {
  await writeFile(at('index.html'), 'app')
  await serve({ spa: true })
  const answer = await ask('/some/where', { headers: { accept: 'text/html' } })
  expect([answer.status, await answer.text()]).toEqual([200, 'app'])
  expect((await ask('/some/where.js', { headers: { accept: '*/*' } })).status).toBe(404)
})

test('without listing, a folder without an index is not there', async () => {
  await writeFile(at('x'), 'x')
  await serve({ listing: false })
  expect((await ask('/')).status).toBe(404)
  expect((await ask('/x')).status).toBe(200)
})

test('pages of other sites may read when somebody says so, and not send', async () => {
  await writeFile(at('x'), 'x')
  await serve({ cors: true, upload: true })
  const origin = 'http://other.example'
  expect((await ask('/x', { headers: { origin } })).headers.get('access-control-allow-origin')).toBe('*')
  const asked = { origin, 'access-control-request-method': 'PUT' }
  const preflight = await ask('/x', { method: 'OPTIONS', headers: asked })
  expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD')
  expect((await ask('/y', { method: 'PUT', body: 'y', headers: { origin } })).status).toBe(403)
  await serve()
  expect((await ask('/x', { headers: { origin } })).headers.has('access-control-allow-origin')).toBe(false)
})

test('files are kept by browsers as long as somebody says, and compressed', async () => {
  await writeFile(at('long.txt'), 'ahoy '.repeat(1_000))
  await serve({ cache: 60, compress: true })
  const answer = await ask('/long.txt', { headers: { 'accept-encoding': 'gzip' } })
  expect(answer.headers.get('cache-control')).toBe('public, max-age=60')
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  expect(await answer.text()).toHaveLength(5_000)
  await serve({ cache: 60, auth: 'ann:secret' })
  const authorization = `Basic ${btoa('ann:secret')}`
  const own = await ask('/long.txt', { headers: { authorization } })
  expect(own.headers.get('cache-control')).toBe('private, max-age=60')
})

test('who has no password gets nothing, and no page of others is needed to say so', async () => {
  await writeFile(at('x'), 'x')
  const told: LogEntry[] = []
  await serve({ auth: 'ann:secret', upload: true }, { answered: (entry) => told.push(entry) })
  const login = (text: string) => ({ headers: { authorization: `Basic ${btoa(text)}` } })
  for (const path of ['/', '/x', '/.fairlead/page/x/app.js', '/.fairlead/uploads/x']) {
    const answer = await ask(path)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="fairlead-serve-/)
  }
  expect((await ask('/x', login('ann:wrong'))).status).toBe(401)
  expect((await ask('/x', { method: 'PUT', body: 'y' })).status).toBe(401)
  expect(await (await ask('/x', login('ann:secret'))).text()).toBe('x')
  expect(told.at(-1)).toMatchObject({ user: 'ann', status: 200, target: '/x', client: '127.0.0.1' })
  expect(told.slice(0, -1).map(({ user }) => user)).toEqual(Array(6).fill(undefined))
  expect(await readFile(at('x'), 'utf8')).toBe('x')
})

test('what is no folder cannot be served', async () => {
  await writeFile(at('file'), '')
  const of = async (folder: string) => {
    const { serveFolder } = await import('../../src/serve/server.ts')
    const { settingsOf } = await import('../../src/serve/settings.ts')
    return serveFolder(await settingsOf(folder, { maxUpload: 1, listing: true, log: 'line', qr: false }))
  }
  await expect(of(at('file'))).rejects.toThrow(`Cannot serve ${at('file')}: it is no folder`)
  await expect(of(at('none'))).rejects.toThrow(`Cannot serve ${at('none')}: no such file or directory`)
})
