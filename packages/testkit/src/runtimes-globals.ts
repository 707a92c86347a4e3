/** What `@fairlead/http/globals` does, in a process of its own: it stays done. Otherwise as `runtimes.ts`. */
import { globalFeatures } from './http/globals.ts'
import { report } from './report.ts'

const own = { Headers, Request, Response, fetch }
await import('@fairlead/http/globals')
await report({ 'HTTP globals': globalFeatures(own) })
