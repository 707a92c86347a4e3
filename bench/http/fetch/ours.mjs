import { fetch } from '@fairlead/http'

import { asking } from '../asked.mjs'

asking(() => async (url) => (await fetch(url)).json())
