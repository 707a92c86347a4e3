// The same applications where the globals are ours: what they make then are our requests and responses.
// oxlint-disable import/no-unassigned-import -- they are imported for what they do

import '../../src/globals.ts'
import './h3-app.test.ts'
import './hono-chat.test.ts'
import './hono-forms.test.ts'
import './hono-guards.test.ts'
import './hono-proxy.test.ts'
import './hono-site.test.ts'
import './hono-todo.test.ts'
import './tus-server.test.ts'
