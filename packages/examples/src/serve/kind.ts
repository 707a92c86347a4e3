import { extname } from 'node:path'

import type { Entry } from '@fairlead/http/files'
import { lookup } from 'mrmime'

/** What stands before a name, drawn on 20 by 20. */
const drawings = {
  folder:
    '<path d="M2.5 15V5.5a1 1 0 0 1 1-1h4l2 2.25h7a1 1 0 0 1 1 1V15a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1Z"/>',
  file: '<path d="M5 2.5h6.5L16 7v9.5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM11.25 2.75V7.25H15.75"/>',
  text: '<path d="M5 2.5h6.5L16 7v9.5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM7 8h3M7 11h6M7 14h6"/>',
  image:
    '<path d="M3.5 3.5h13a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1ZM3 14l4.5-4.5 3.5 3.5 2-2 4 4"/><circle cx="13" cy="7.25" r="1.25"/>',
  video:
    '<path d="M3.5 4h13a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM8.25 7.25v5.5L13 10Z"/>',
  audio:
    '<path d="M8 14.5V5l8-1.75v9.5"/><circle cx="5.75" cy="14.5" r="2.25"/><circle cx="13.75" cy="12.75" r="2.25"/>',
  archive: '<path d="M3 4h14v3.5H3ZM4 7.5h12V15a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1ZM8 10.5h4"/>',
} as const

export type Kind = keyof typeof drawings

/** All drawings, once for a page. */
export const sprite = Object.entries(drawings)
  .map(([kind, drawing]) => `<symbol id="${kind}" viewBox="0 0 20 20">${drawing}</symbol>`)
  .join('')

const archives = /\.(7z|bz2|deb|dmg|gz|iso|jar|rar|rpm|t[bgx]z|tar|xz|zip|zst)$/i
/** Containers of films, of which the list of media types that browsers know says nothing. */
const videos = /\.(avi|flv|m4v|mkv|mov|wmv)$/i
const audios = /\.(aiff?|flac|mka|wma)$/i
/** Programs, of which some end as films do, and what people write in offices. */
const papers =
  /\.([cm]?ts|tsx|vue|svelte|py|rb|rs|go|c|cc|h|hpp|java|kt|swift|sh|docx?|odt|ods|odp|pptx?|xlsx?|toml)$/i
const texts = /^text\/|\b(json|xml|javascript|pdf|rtf|yaml|sql)$|document/

/** By the end of the name. */
export function kindOf({ kind, name }: Pick<Entry, 'kind' | 'name'>): Kind {
  if (kind === 'folder') return 'folder'
  if (archives.test(name)) return 'archive'
  if (videos.test(name)) return 'video'
  if (audios.test(name)) return 'audio'
  if (papers.test(name)) return 'text'
  const type = lookup(extname(name)) ?? ''
  const [main] = type.split('/')
  if (main === 'image' || main === 'video' || main === 'audio') return main
  return texts.test(type) ? 'text' : 'file'
}
