import { globalFeatures } from '../src/http/globals.ts'
import { describeFeatures } from '../src/vitest.ts'

const own = { Headers, Request, Response, fetch }
await import('@fairlead/http/globals')

describeFeatures('HTTP globals', globalFeatures(own))
