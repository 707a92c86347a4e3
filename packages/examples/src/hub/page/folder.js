import { byId, fromTemplate } from './dom.js'
import { moment, size } from './format.js'

/** The list of shared files, as the hub sends it: the whole listing at each change. */
export function folder(socket) {
  const list = byId('files')
  const shelf = byId('shelf')
  const fold = byId('fold')
  let rows

  socket.addEventListener('message', ({ data }) => {
    const files = JSON.parse(data)
    const before = rows ?? new Map()
    const after = new Map(
      files.map((file) => [file.name, before.get(file.name) ?? newRow(file, rows !== undefined)]),
    )
    for (const [name, row] of before) if (!after.has(name)) row.remove()
    // Rows that stay are not moved: a moved element would lose the keyboard's focus.
    let next = list.firstElementChild
    for (const file of files) {
      const row = after.get(file.name)
      row.querySelector('.facts').textContent = `${size(file.size)} · ${moment(file.modified)}`
      if (row === next) next = next.nextElementSibling
      else list.insertBefore(row, next)
    }
    rows = after
  })

  fold.addEventListener('click', () => {
    shelf.classList.toggle('folded')
    const folded = shelf.classList.contains('folded')
    fold.ariaExpanded = String(!folded)
    fold.textContent = folded ? 'Show' : 'Hide'
  })
}

function newRow({ name }, arrived) {
  const row = fromTemplate('file-row')
  row.dataset.name = name
  row.classList.toggle('arrived', arrived)
  row.querySelector('.title').textContent = name
  row.querySelector('a').href = `files/${encodeURIComponent(name)}`
  return row
}
