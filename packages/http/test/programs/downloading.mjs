// Downloads a file to be resumed, and says in JSON what came of it.

import { Client } from '@fairlead/http'

const [url = '', path = ''] = process.argv.slice(2)
const client = new Client()
try {
  const { response, ...saved } = await client.download(url, path, { resume: true, digest: 'sha256' })
  console.log(JSON.stringify({ status: response.status, ...saved }))
} catch (error) {
  const { name, code, message } = error
  console.log(JSON.stringify({ name, code, message }))
}
client.destroy()
