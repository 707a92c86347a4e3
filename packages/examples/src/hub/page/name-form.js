import { byId } from './dom.js'

const REFUSAL = /^(that name is taken|a name is )/

/** The own name in the corner: a button that turns into a small form. `choose(name)` asks the hub for it. */
export function nameForm(choose) {
  const button = byId('name')
  const form = byId('name-form')
  const input = byId('name-input')
  const error = byId('name-error')
  let asked = ''

  function toggle(editing) {
    form.hidden = !editing
    button.hidden = editing
    error.textContent = ''
    if (!editing) return button.focus()
    input.value = button.textContent
    input.select()
  }

  button.addEventListener('click', () => toggle(true))
  byId('name-cancel').addEventListener('click', () => toggle(false))
  form.addEventListener('keydown', ({ key }) => key === 'Escape' && toggle(false))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    error.textContent = ''
    asked = input.value.trim().normalize()
    if (asked === button.textContent) toggle(false)
    else if (!choose(asked)) error.textContent = 'Not connected. Try again in a moment.'
  })

  return {
    show(name) {
      button.textContent = name
      button.setAttribute('aria-label', `You are ${name}. Change your name`)
      if (form.hidden) button.hidden = false
      // A name that comes with a new connection does not take the form away from under the typing.
      else if (name === asked) toggle(false)
    },
    /** Takes the hub's refusal as the form's own error; says whether it did. */
    refused(notice) {
      if (form.hidden || !REFUSAL.test(notice)) return false
      error.textContent = notice[0].toUpperCase() + notice.slice(1)
      return true
    },
  }
}
