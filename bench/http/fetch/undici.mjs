import { Agent, fetch, setGlobalDispatcher } from 'undici'

import { asking } from '../asked.mjs'

asking((connections) => {
  setGlobalDispatcher(new Agent({ connections, pipelining: 1 }))
  return async (url) => (await fetch(url)).json()
})
