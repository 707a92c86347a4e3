import { byId } from './dom.js'
import { takeFiles } from './drop.js'
import { Listing } from './listing.js'
import { Uploads } from './uploads.js'

const listing = new Listing(byId('listing'))
const { endpoint, maxSize } = document.body.dataset

if (endpoint !== undefined) {
  const uploads = new Uploads({
    endpoint: new URL(endpoint, location.href).href,
    folder: location.pathname,
    maxSize: Number(maxSize),
    words: {
      server: 'server',
      done: 'Added',
      stranger: 'The server wants a password: load this page again.',
    },
    arrived: () => listing.refresh(),
  })
  takeFiles(uploads)
  void uploads.remember()
}
