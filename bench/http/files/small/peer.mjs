// As it is without options: what is in the folder is looked at once, when it starts.

import { createServer } from 'node:http'

import sirv from 'sirv'

import { ready } from '../../../server.mjs'
import { told } from '../../temporary.mjs'

const server = createServer(sirv(told()))
server.listen(0, '127.0.0.1', () => ready(server.address().port))
