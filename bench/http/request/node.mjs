import { Agent, get } from 'node:http'

import { asking } from '../asked.mjs'

asking((connections) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })
  return (url) =>
    new Promise((resolve, reject) => {
      const request = get(url, { agent }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve(JSON.parse(text)))
        response.on('error', reject)
      })
      request.on('error', reject)
    })
})
