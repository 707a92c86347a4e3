// Serves the folder that it is told: its options are the defaults, and the siblings that are compressed.

import { serveFiles } from '../../packages/http/dist/files.js'
import { serve } from '../../packages/http/dist/index.js'
import { becomeNobody } from './drop.mjs'

const [root, memory] = process.argv.slice(2)
becomeNobody()
const files = serveFiles(root, { precompressed: true, memory: memory === 'memory' })
const server = await serve({ host: '127.0.0.1', port: 0 }, files)
console.log(server.address.port)
