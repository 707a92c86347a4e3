import { byId, fromTemplate } from './dom.js'
import { size } from './format.js'

const BETWEEN_SAMPLES = 400

/** What one upload looks like. Its states stand in uploads.js. */
export class UploadRow {
  element = fromTemplate('upload-row')

  #bar = this.element.querySelector('progress')
  #facts = this.element.querySelector('.facts')
  #retry = this.element.querySelector('[data-action=retry]')
  #close = this.element.querySelector('[data-action=close]')
  #file
  #sample

  constructor(file, { retry, close }) {
    this.#file = file
    this.element.dataset.name = file.name
    this.element.querySelector('.title').textContent = file.name
    this.#bar.ariaLabel = `Upload of ${file.name}`
    this.#retry.addEventListener('click', () => retry?.())
    this.#close.addEventListener('click', () => close())
  }

  queue() {
    this.#show('queued', 'Waiting', { close: 'Cancel' })
  }

  start() {
    this.#sample = undefined
    this.#show('sending', 'Starting …', { close: 'Cancel' })
  }

  /** The connection is gone, and will be tried again. */
  lose() {
    this.#sample = undefined
    this.#show('lost', `Connection lost at ${this.#percent} %. Trying again …`, { close: 'Cancel' })
  }

  /** `sent` is in bytes, so far. */
  progress(sent) {
    this.#bar.value = this.#file.size > 0 ? sent / this.#file.size : 1
    const now = performance.now()
    this.#sample ??= { sent, at: now, speed: 0 }
    const { sent: before, at, speed } = this.#sample
    if (now - at > BETWEEN_SAMPLES) {
      const current = ((sent - before) / (now - at)) * 1000
      this.#sample = { sent, at: now, speed: speed === 0 ? current : speed * 0.7 + current * 0.3 }
    }
    const pace = this.#sample.speed > 0 ? ` · ${size(this.#sample.speed)}/s` : ''
    const facts =
      this.#percent === 100 ? 'Finishing …' : `${this.#percent} % of ${size(this.#file.size)}${pace}`
    this.#show('sending', facts, { close: 'Cancel' })
  }

  /** `done` says in a word what became of it. */
  finish(name, done) {
    this.#bar.value = 1
    this.#show('done', name === this.#file.name ? done : `${done} as ${name}`, { close: 'Dismiss' })
  }

  fail(reason, { again = true } = {}) {
    this.#show('failed', reason, { close: 'Dismiss', again })
  }

  /** It was begun, and this page has its file no more. */
  await() {
    this.#show('awaited', 'Not finished. Add the file again, and it goes on.', { close: 'Dismiss' })
  }

  remove() {
    if (this.element.contains(document.activeElement)) byId('add').focus()
    this.element.remove()
  }

  get #percent() {
    return Math.floor(this.#bar.value * 100)
  }

  #show(state, facts, { close, again = false }) {
    this.element.dataset.state = state
    this.#facts.textContent = facts
    if (!again && document.activeElement === this.#retry) this.#close.focus()
    this.#retry.hidden = !again
    this.#retry.ariaLabel = `Retry ${this.#file.name}`
    this.#close.textContent = close
    this.#close.ariaLabel = `${close} ${this.#file.name}`
  }
}
