import { extname } from 'node:path'

import type { Entry } from './listing.ts'

const sheet = 'M11 2.5H6A1.5 1.5 0 0 0 4.5 4v12A1.5 1.5 0 0 0 6 17.5h8a1.5 1.5 0 0 0 1.5-1.5V7zV7h4.5'

/** Drawn on 20 by 20, in lines of the text's colour. */
const drawings = {
  folder:
    '<path d="M2.5 14.5v-9A1.5 1.5 0 0 1 4 4h3.4a1.5 1.5 0 0 1 1.1.4l1.1 1.2a1.5 1.5 0 0 0 1.1.4H16a1.5 1.5 0 0 1 1.5 1.5v7A1.5 1.5 0 0 1 16 16H4a1.5 1.5 0 0 1-1.5-1.5z"/>',
  up: '<path d="M10 16V4.5M5 9.5l5-5 5 5"/>',
  file: `<path d="${sheet}"/>`,
  text: `<path d="${sheet}M7.5 10.5h5M7.5 13.5h5"/>`,
  archive: '<path d="M3 4h14v3.5H3zM4 7.5V15A1.5 1.5 0 0 0 5.5 16.5h9A1.5 1.5 0 0 0 16 15V7.5M8 10.5h4"/>',
  image:
    '<rect x="2.5" y="3.5" width="15" height="13" rx="1.5"/><circle cx="7" cy="8" r="1.5"/><path d="m3 15 3.8-3.5 2.7 2.3 3.7-4 4.3 4.2"/>',
  audio:
    '<path d="M7.5 14.5V5l8-1.5v9.3"/><circle cx="5.5" cy="14.5" r="2"/><circle cx="13.5" cy="12.8" r="2"/>',
  video: '<rect x="2.5" y="4" width="15" height="12" rx="1.5"/><path d="M8.5 7.5v5l4-2.5z"/>',
} as const

export type Icon = keyof typeof drawings

/** All of them, to be used by name. */
export const icons = `<svg class="icons" aria-hidden="true">${Object.entries(drawings)
  .map(([name, drawing]) => `<symbol id="${name}" viewBox="0 0 20 20">${drawing}</symbol>`)
  .join('')}</svg>`

/** One of them. It says nothing that the name does not. */
export function iconHtml(icon: Icon): string {
  return `<svg class="${icon}" aria-hidden="true"><use href="#${icon}"/></svg>`
}

/** By what people call a file, and not by media type: `.ts` is a program more often than a film. */
const extensions: Readonly<Partial<Record<Icon, string>>> = {
  archive: '7z apk bz2 cab deb dmg gz iso jar lz4 rar rpm tar tbz2 tgz txz whl xz zip zst',
  audio: 'aac aif aiff flac m4a mid midi mp3 oga ogg opus wav weba wma',
  image: 'avif bmp cr2 dng gif heic heif ico jpeg jpg jxl nef png psd svg tif tiff webp',
  text:
    'adoc bat c cc cfg conf cpp cs css csv diff doc docx epub go h hpp htm html ics ini java js json jsx key kt less ' +
    'log lua m3u8 md mjs mts numbers odp ods odt pages pdf php pl ppt pptx ps1 py rb rs rst rtf scss sh sql srt swift ' +
    'tex toml ts tsv tsx txt vtt vue xhtml xls xlsx xml yaml yml',
  video: '3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg ogv webm wmv',
}

const byExtension = new Map<string, Icon>()
for (const [icon, list] of Object.entries(extensions)) {
  for (const extension of list.split(' ')) byExtension.set(extension, icon as Icon)
}

/** By the extension. */
export function iconOf({ kind, name }: Entry): Icon {
  return kind === 'folder' ? 'folder' : (byExtension.get(extname(name).slice(1).toLowerCase()) ?? 'file')
}
