import { Hono } from 'hono'

const crew = Array.from({ length: 20 }, (_, id) => ({ id, name: `sailor ${id}`, watch: id % 3 }))

/** A small interface to a list: a middleware, JSON, a parameter, a query, a header, a body. */
export const app = new Hono()

app.use('/crew/*', async (c, next) => {
  await next()
  c.header('Cache-Control', 'no-store')
})
app.get('/', (c) => c.text('ahoy'))
app.get('/crew', (c) => {
  const watch = Number(c.req.query('watch') ?? 0)
  return c.json(crew.filter((sailor) => sailor.watch === watch))
})
app.get('/crew/:id', (c) => {
  const sailor = crew[Number(c.req.param('id'))]
  return sailor ? c.json(sailor) : c.json({ error: 'overboard' }, 404)
})
app.post('/crew', async (c) => {
  const { name } = await c.req.json()
  c.header('Location', `/crew/${crew.length}`)
  return c.json({ id: crew.length, name })
})
app.get('/whoami', (c) => c.html(`<p>${c.req.header('user-agent')}</p>`))
