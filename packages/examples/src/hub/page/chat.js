import { byId } from './dom.js'
import { MessageLog } from './message-log.js'
import { nameForm } from './name-form.js'
import { People } from './people.js'
import { thisBrowser, thisTab } from './storage.js'

const SILENCE_MEANS_DEAD = 15_000

/**
 * The room. The hub speaks lines that are made for terminals: `NAME: text` is a message and `* text` a notice.
 * A name has no colon, no space and no star, so what is said cannot pass for a notice.
 *
 * `heard()` is called for each message of somebody else that is new, not replayed. Returns who we are.
 */
export function chat(socket, { heard }) {
  const log = new MessageLog()
  const people = new People(byId('people'))
  const names = nameForm((wanted) => socket.send(`/nick ${wanted}`))
  const say = byId('say')
  /** What was sent and has not come back yet; it returns to the form when the connection is lost. */
  const unconfirmed = []
  let name = ''
  let greeted = false
  let listed = false
  let silence

  socket.addEventListener('open', () => {
    greeted = listed = false
    log.clear()
    log.replaying = true
  })

  socket.addEventListener('message', ({ data }) => {
    clearTimeout(silence)
    if (data.startsWith('* ')) return notice(data.slice(2))
    const [, from, text] = /^([^\s:]+): ?(.*)$/s.exec(data) ?? []
    if (from === undefined) return log.add({ kind: 'notice', text: data })
    const own = from === name
    // The hub answers in order: what was sent before the line that came back has been dealt with as well.
    if (own && greeted) unconfirmed.splice(0, unconfirmed.indexOf(text) + 1 || 1)
    log.add({ kind: 'message', from, text, own })
    if (greeted && !own) heard()
  })

  socket.addEventListener('lost', () => {
    clearTimeout(silence)
    giveBack(unconfirmed.splice(0))
  })

  function notice(text) {
    const given = /^you are (\S+)$/.exec(text)
    if (given) return renamed(given[1])
    if (names.refused(text)) return
    // The list that comes with the welcome stands beside the title already; one that was asked for is an answer.
    if (people.notice(text) && !listed) return (listed = true)
    log.add({ kind: 'notice', text })
    if (text === 'that line is too long') giveBack(unconfirmed.splice(0, 1))
    // After a lost connection the hub may still hold the old one, and our name with it, for a while.
    const wanted = thisBrowser.get('name')
    if (greeted && wanted !== name && text === `${wanted} left`) socket.send(`/nick ${wanted}`)
  }

  function renamed(to) {
    name = to
    names.show(name)
    log.claim(name)
    if (greeted) return thisBrowser.set('name', name)
    greeted = true
    log.replaying = false
    const wanted = thisBrowser.get('name')
    if (wanted && wanted !== name) socket.send(`/nick ${wanted}`)
  }

  function giveBack(texts) {
    draft([...texts, say.value].join(' ').trim())
  }

  function draft(text) {
    say.value = text
    thisTab.set('draft', text)
  }

  byId('say-form').addEventListener('submit', (event) => {
    event.preventDefault()
    const text = say.value.trim()
    if (text === '' || !socket.send(text)) return
    draft('')
    if (text === '/quit') return socket.leave()
    if (!text.startsWith('/')) unconfirmed.push(text)
    clearTimeout(silence)
    silence = setTimeout(() => socket.drop(), SILENCE_MEANS_DEAD)
  })

  say.addEventListener('input', () => thisTab.set('draft', say.value))
  say.value ||= thisTab.get('draft')
  return { name: () => name }
}
