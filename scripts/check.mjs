// Everything that is checked without running the code.

import { quietly } from './quietly.mjs'

await Promise.all([quietly('tsc'), quietly('npm run --silent lint')])
