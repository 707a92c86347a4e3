// Serves the folder of its first argument: as it is, below /packed/ compressed on the way, below /beside/ with what
// stands beside its files. What is PUT below /upload/ is saved in it. /stats tells how the server is.

import { serve } from '@fairlead/http'
import { compress } from '@fairlead/http/compress'
import { serveFiles } from '@fairlead/http/files'
import { saveBody, statusOf } from '@fairlead/http/uploads'

const [root, options = '{}', files = '{}'] = process.argv.slice(2)
const plain = serveFiles(root, { listing: true, ...JSON.parse(files) })
const packed = compress(serveFiles(root, { prefix: '/packed/' }))
const beside = serveFiles(root, { prefix: '/beside/', precompressed: true })

async function save(request, name) {
  try {
    const { size, digest, created } = await saveBody(request, `${root}/${name}`, { digest: 'sha256' })
    return Response.json({ size, digest }, { status: created ? 201 : 204 })
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    return new Response(`${error.code}\n`, { status })
  }
}

const server = await serve(
  {
    host: '127.0.0.1',
    port: 0,
    maxBodySize: 2 ** 30,
    onError: (error) => console.log(`failed: ${error.stack}`),
    ...JSON.parse(options),
  },
  (request, context) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/stats') return Response.json(server.stats())
    if (pathname.startsWith('/upload/')) return save(request, decodeURIComponent(pathname.slice(8)))
    if (pathname.startsWith('/packed/')) return packed(request, context)
    return pathname.startsWith('/beside/') ? beside(request) : plain(request)
  },
)
console.log(`listening on 127.0.0.1:${server.address.port}`)
