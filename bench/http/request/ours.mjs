import { request } from '@fairlead/http'

import { asking } from '../asked.mjs'

asking(() => async (url) => (await request(url)).json())
