import { chat } from './chat.js'
import { announce, byId } from './dom.js'
import { takeFiles } from './drop.js'
import { folder } from './folder.js'
import { ReconnectingSocket } from './reconnecting-socket.js'
import { Uploads } from './uploads.js'

const title = document.title
let unread = 0

const room = new ReconnectingSocket('chat')
const listing = new ReconnectingSocket('folder')
const me = chat(room, { heard: () => document.hidden && showUnread(unread + 1) })
const uploads = new Uploads({
  endpoint: new URL('uploads', location.href).href,
  folder: '/',
  words: {
    server: 'hub',
    done: 'Shared',
    stranger: 'The hub wants a token: open the address that it printed.',
  },
  metadata: () => ({ by: me.name() }),
  connected: () => listing.state === 'open',
})

folder(listing)
takeFiles(uploads)
void uploads.remember()

for (const socket of [room, listing]) {
  for (const change of ['open', 'lost', 'left']) socket.addEventListener(change, showStatus)
}
// Where one gets through, the other will: no need to sit out its back-off.
room.addEventListener('open', () => listing.hurry())
listing.addEventListener('open', () => room.hurry())
listing.addEventListener('open', () => void uploads.resume())

document.addEventListener('visibilitychange', () => document.hidden || showUnread(0))
byId('host').textContent = location.host

function showStatus() {
  const lost = [room, listing].filter(({ state }) => state === 'lost')
  const status = byId('status')
  byId('send').ariaDisabled = String(room.state !== 'open')
  if (lost.length > 0) {
    const what = lost.some(({ hubStopped }) => hubStopped) ? 'The hub has stopped.' : 'Connection lost.'
    status.replaceChildren(`${what} Trying again …`)
  } else if (room.state === 'left') {
    status.replaceChildren('You have left the chat. ', joinButton())
  } else if (status.hasChildNodes()) {
    status.replaceChildren()
    announce('Connected again.')
  }
}

function joinButton() {
  const button = document.createElement('button')
  button.textContent = 'Join again'
  button.addEventListener('click', () => {
    room.join()
    byId('say').focus()
  })
  return button
}

function showUnread(count) {
  unread = count
  document.title = count > 0 ? `(${count}) ${title}` : title
}
