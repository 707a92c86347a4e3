import { byId, fromTemplate } from './dom.js'

const MOST_ROWS = 1_000
const NEARLY = 48
// Ends before punctuation: "see https://example.org/." links without the dot.
const LINK = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]']/gi

/** The rows of the chat. It follows the newest one for as long as the reader stays at the end. */
export class MessageLog {
  #rows = byId('log')
  #newer = byId('newer')
  #following = true
  #scrollTop = 0

  constructor() {
    this.#rows.addEventListener('scroll', () => this.#noteReader())
    this.#newer.addEventListener('click', () => {
      this.#toEnd()
      this.#rows.focus({ preventScroll: true })
    })
    // A phone's keyboard, the banner or a turned screen change the height under the reader.
    new ResizeObserver(() => this.#following && this.#toEnd()).observe(this.#rows)
  }

  /** While the history is replayed, screen readers stay quiet. */
  set replaying(value) {
    this.#rows.ariaBusy = String(value)
  }

  clear() {
    this.#rows.replaceChildren()
    this.#following = true
    this.#newer.hidden = true
  }

  add({ kind, from = '', text, own = false }) {
    const row = fromTemplate('message-row')
    const before = this.#rows.lastElementChild
    row.dataset.kind = kind
    row.dataset.from = from
    row.classList.toggle('own', own)
    row.classList.toggle('goes-on', kind === 'message' && before?.dataset.from === from)
    row.querySelector('.text').append(withLinks(text))
    if (kind === 'message') row.querySelector('.from').textContent = from
    else for (const part of row.querySelectorAll('.from, .unseen')) part.remove()

    this.#rows.append(row)
    if (this.#rows.childElementCount > MOST_ROWS) this.#rows.firstElementChild.remove()
    if (this.#following || own) this.#toEnd()
    else this.#newer.hidden = false
  }

  /** Marks what `name` has said so far as the reader's own. */
  claim(name) {
    for (const row of this.#rows.children) if (row.dataset.from === name) row.classList.add('own')
  }

  #noteReader() {
    const { scrollHeight, scrollTop, clientHeight } = this.#rows
    // Away from the end without having gone up: rows came or the log shrank, and the reader did nothing.
    if (scrollHeight - scrollTop - clientHeight < NEARLY) this.#following = true
    else if (scrollTop < this.#scrollTop) this.#following = false
    this.#scrollTop = scrollTop
    if (this.#following) this.#newer.hidden = true
  }

  #toEnd() {
    this.#following = true
    this.#rows.scrollTop = this.#rows.scrollHeight
  }
}

/** Everything becomes a text node or a link whose address begins with http: nothing said is ever markup. */
function withLinks(text) {
  const parts = new DocumentFragment()
  let end = 0
  for (const { 0: address, index } of text.matchAll(LINK)) {
    const link = document.createElement('a')
    Object.assign(link, { href: address, textContent: address, target: '_blank', rel: 'noopener noreferrer' })
    parts.append(text.slice(end, index), link)
    end = index + address.length
  }
  parts.append(text.slice(end))
  return parts
}
