import { moment } from './format.js'

const FEW = 8

/** The folder as the server sent it, with the dates as they are written here; it can be asked for anew. */
export class Listing {
  #element
  #wanted = ''
  #refreshing = false
  #stale = false

  constructor(element) {
    this.#element = element
    this.#prepare()
  }

  /** Shows what is in the folder now. Called while it does, it does so once more behind that. */
  async refresh() {
    this.#stale = true
    if (this.#refreshing) return
    this.#refreshing = true
    while (this.#stale) {
      this.#stale = false
      try {
        await this.#replace()
      } catch {
        // The next one will show it.
      }
    }
    this.#refreshing = false
  }

  async #replace() {
    const response = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' })
    if (!response.ok) return
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const before = this.#names()
    const focused = document.activeElement?.closest('[data-name]')?.dataset.name
    const filtering = document.activeElement?.id === 'filter'
    this.#element.replaceChildren(...page.getElementById('listing').childNodes)
    this.#prepare()
    for (const row of this.#rows()) {
      row.classList.toggle('arrived', !before.has(row.dataset.name))
      if (row.dataset.name === focused) row.querySelector('a').focus({ preventScroll: true })
    }
    if (filtering) this.#element.querySelector('#filter').focus()
  }

  #prepare() {
    for (const time of this.#element.querySelectorAll('time')) {
      time.textContent = moment(time.dateTime)
      time.title = new Date(time.dateTime).toLocaleString()
    }
    const filter = this.#element.querySelector('#filter')
    filter.hidden = this.#rows().length <= FEW && this.#wanted === ''
    filter.value = this.#wanted
    filter.addEventListener('input', () => {
      this.#wanted = filter.value
      this.#filter()
    })
    this.#filter()
  }

  #filter() {
    const wanted = folded(this.#wanted)
    for (const row of this.#rows()) row.hidden = !folded(row.dataset.name).includes(wanted)
  }

  #rows() {
    return this.#element.querySelectorAll('[data-name]')
  }

  #names() {
    return new Set(Array.from(this.#rows(), (row) => row.dataset.name))
  }
}

/** `Übung` is found by `ubung`. */
const folded = (text) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
