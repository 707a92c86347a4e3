import { byId } from './dom.js'

const NO_FOLDERS = 'A folder cannot be added. Drop the files in it instead.'

/** Files come in by the button, by dropping them anywhere on the page, or by pasting. */
export function takeFiles(uploads) {
  const picker = byId('file-input')
  const button = byId('add')
  const veil = byId('drop')

  button.hidden = false
  button.addEventListener('click', () => picker.click())
  picker.addEventListener('change', () => {
    uploads.add(picker.files)
    // Otherwise the same file could not be chosen twice in a row.
    picker.value = ''
  })

  document.addEventListener('dragenter', over)
  document.addEventListener('dragover', over)
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) veil.hidden = true
  })
  document.addEventListener('drop', (event) => {
    veil.hidden = true
    if (belongsElsewhere(event)) return
    event.preventDefault()
    for (const item of event.dataTransfer?.items ?? []) {
      if (item.kind !== 'file') continue
      const file = item.getAsFile()
      if (item.webkitGetAsEntry?.()?.isDirectory) uploads.refuse(file?.name ?? 'Folder', NO_FOLDERS)
      else if (file !== null) uploads.add([file])
    }
  })

  document.addEventListener('paste', (event) => {
    const { files, types } = event.clipboardData
    // Office programs put a picture beside the text that was copied; then the text is meant.
    if (files.length === 0 || types.includes('text/plain')) return
    event.preventDefault()
    uploads.add(files)
  })

  function over(event) {
    if (belongsElsewhere(event)) return
    // Cancelled for whatever is dragged: no drop may make the browser leave this page.
    event.preventDefault()
    veil.hidden = !hasFiles(event)
    event.dataTransfer.dropEffect = hasFiles(event) ? 'copy' : 'none'
  }
}

const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files') ?? false

/** Text dragged into a field is the field's business. */
const belongsElsewhere = (event) => !hasFiles(event) && event.target instanceof HTMLInputElement
