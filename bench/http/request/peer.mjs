import { Agent, request, setGlobalDispatcher } from 'undici'

import { asking } from '../asked.mjs'

asking((connections) => {
  setGlobalDispatcher(new Agent({ connections, pipelining: 1 }))
  return async (url) => {
    const { body } = await request(url)
    return body.json()
  }
})
