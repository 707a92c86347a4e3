// Downloads a file to be resumed, and says in JSON what came of it.

import { downloadWith } from '../../../src/client/download/download.ts'
import { Client } from '../../../src/index.ts'

const [url = '', path = ''] = process.argv.slice(2)
const client = new Client()
try {
  const { response, ...saved } = await downloadWith(client, url, path, { resume: true, digest: 'sha256' })
  console.log(JSON.stringify({ status: response.status, ...saved }))
} catch (error) {
  const { name, code, message } = error as Error & { code: string }
  console.log(JSON.stringify({ name, code, message }))
}
client.destroy()
