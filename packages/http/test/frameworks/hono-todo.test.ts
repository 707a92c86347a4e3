import { Hono } from 'hono'
import { type FC, jsx, type PropsWithChildren } from 'hono/jsx'
import { jsxRenderer, useRequestContext } from 'hono/jsx-renderer'
import { renderToReadableStream, Suspense } from 'hono/jsx/streaming'
import { methodOverride } from 'hono/method-override'
import { validator } from 'hono/validator'
import { expect, test } from 'vitest'

import { run } from './program.ts'

interface Task {
  readonly id: number
  readonly title: string
  done: boolean
}

/** What JSX comes to once it is compiled. */
const Item: FC<{ task: Task }> = ({ task }) =>
  jsx(
    'li',
    { class: task.done ? 'done' : 'open' },
    task.title,
    jsx(
      'form',
      { method: 'post', action: `/tasks/${task.id}` },
      jsx('input', { type: 'hidden', name: '_method', value: 'DELETE' }),
      jsx('button', { disabled: task.done }, 'Away with it'),
    ),
  )

const Where: FC = () => jsx('small', {}, useRequestContext().req.path)

/** Tasks on a page of forms, rendered where it is served. */
function todo(): Hono {
  const tasks = new Map<number, Task>()
  let count = 0
  const app = new Hono()
  app.use(jsxRenderer(({ children }) => jsx('html', {}, jsx('body', {}, children)) as never))
  app.use('/tasks/*', methodOverride({ app }))
  app.get('/', (c) =>
    c.render(
      jsx(
        'ul',
        {},
        Array.from(tasks.values(), (task) => jsx(Item, { task })),
        jsx(Where, {}),
      ) as never,
    ),
  )
  const titled = validator('form', ({ title }, c) =>
    typeof title === 'string' && title.trim() !== '' ? { title } : c.text('It needs a title', 400),
  )
  app.post('/tasks', titled, (c) => {
    count++
    tasks.set(count, { id: count, title: c.req.valid('form').title, done: false })
    return c.redirect('/', 303)
  })
  app.delete('/tasks/:id{[0-9]+}', (c) =>
    tasks.delete(Number(c.req.param('id'))) ? c.redirect('/', 303) : c.notFound(),
  )
  return app
}

test('a list of tasks with JSX: forms, redirects, what is escaped, a method in a field', async () => {
  await using program = await run(todo().fetch)
  const { request } = program
  const add = (title: string) => request('/tasks', { body: new URLSearchParams({ title }) })
  const first = await add('mend <the> "nets"')
  expect(first.redirects).toHaveLength(1)
  expect(first.headers.get('content-type')).toBe('text/html; charset=UTF-8')
  expect(await first.text()).toBe(
    '<!DOCTYPE html><html><body><ul><li class="open">mend &lt;the&gt; &quot;nets&quot;' +
      '<form method="post" action="/tasks/1"><input type="hidden" name="_method" value="DELETE"/>' +
      '<button>Away with it</button></form></li><small>/</small></ul></body></html>',
  )
  expect(await (await add('zweite Aufgabe: 日本')).text()).toContain('zweite Aufgabe: 日本')
  const gone = await request('/tasks/1', { body: new URLSearchParams({ _method: 'DELETE' }) })
  const left = await gone.text()
  expect([left.includes('nets'), left.includes('zweite')]).toEqual([false, true])
  const refused = [await add(' '), await request('/tasks/1', { method: 'DELETE' })]
  expect(refused.map(({ status }) => status)).toEqual([400, 404])
  expect(await refused[0]!.text()).toBe('It needs a title')
  expect(program.errors).toEqual([])
})

test('Suspense: the page comes at once, and what it waited for behind it', async () => {
  let arrive!: (text: string) => void
  const slow = new Promise<string>((resolve) => (arrive = resolve))
  const Slow: FC = async () => jsx('p', {}, await slow)
  const Page: FC<PropsWithChildren> = ({ children }) => jsx('body', {}, children)
  const app = new Hono().get('/', (c) => {
    const page = jsx(Page, {}, jsx(Suspense, { fallback: jsx('i', {}, 'one moment') }, jsx(Slow, {})))
    c.header('Content-Type', 'text/html; charset=UTF-8')
    return c.body(renderToReadableStream(page))
  })
  await using program = await run(app.fetch)
  const response = await program.request('/')
  expect(response.headers.get('transfer-encoding')).toBe('chunked')
  let text = ''
  for await (const chunk of response) {
    text += Buffer.from(chunk).toString()
    if (text.includes('one moment') && !text.includes('arrived')) arrive('arrived')
  }
  expect(text).toMatch(/^<body><template id="H:\d+"><\/template><i>one moment<\/i>[^]*<p>arrived<\/p>/)
  expect(program.errors).toEqual([])
})
