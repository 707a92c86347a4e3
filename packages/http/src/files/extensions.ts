/**
 * Media types by extension that `mrmime` has not, since it leaves out most of `vnd.` and all of `x-`, or has wrong for
 * what stands in folders. Registered names, where there are any; programs are shown as text.
 */
const types: readonly (readonly [type: string, extensions: string])[] = [
  ['application/gzip', 'tgz'],
  // RFC 8216 section 10.
  ['application/vnd.apple.mpegurl', 'm3u8'],
  ['application/vnd.android.package-archive', 'apk'],
  ['application/vnd.apache.parquet', 'parquet'],
  ['application/vnd.debian.binary-package', 'deb'],
  ['application/vnd.google-earth.kml+xml', 'kml'],
  ['application/vnd.google-earth.kmz', 'kmz'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.ms-fontobject', 'eot'],
  ['application/vnd.ms-powerpoint', 'ppt'],
  ['application/vnd.oasis.opendocument.presentation', 'odp'],
  ['application/vnd.oasis.opendocument.spreadsheet', 'ods'],
  ['application/vnd.oasis.opendocument.text', 'odt'],
  ['application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.rar', 'rar'],
  ['application/vnd.sqlite3', 'sqlite sqlite3'],
  ['application/x-7z-compressed', '7z'],
  ['application/x-bittorrent', 'torrent'],
  ['application/x-bzip2', 'bz2'],
  ['application/x-ndjson', 'jsonl ndjson'],
  ['application/x-shockwave-flash', 'swf'],
  ['application/x-tar', 'tar'],
  ['application/x-xz', 'xz'],
  // RFC 8878 section 6.1.
  ['application/zstd', 'zst'],
  ['audio/aiff', 'aif aiff'],
  // RFC 9639.
  ['audio/flac', 'flac'],
  // RFC 9559.
  ['audio/matroska', 'mka'],
  ['audio/mp4', 'm4b'],
  ['audio/x-ms-wma', 'wma'],
  ['image/vnd.adobe.photoshop', 'psd'],
  ['image/vnd.djvu', 'djvu'],
  // Browsers know the registered name as well.
  ['image/vnd.microsoft.icon', 'cur ico'],
  // Browsers take no other for modules (HTML standard, section 8.1.3.3).
  ['text/javascript', 'cjs'],
  [
    'text/plain',
    'adoc bib c cc cfg cpp cs cts diff go graphql h hpp hs java kt lua patch pl proto ps1 py r rb rs rst sh srt svelte ' +
      'swift tex tsx vue',
  ],
  ['text/vcard', 'vcf'],
  // RFC 9559.
  ['video/matroska', 'mkv'],
  ['video/mp4', 'm4v'],
  ['video/x-flv', 'flv'],
  ['video/x-ms-wmv', 'wmv'],
  ['video/x-msvideo', 'avi'],
]

/**
 * Media types by extension, before those of `mrmime`. `ts` is not among them, though TypeScript is more common today
 * than a transport stream: it stays `video/mp2t`, which players ask for and other servers say.
 */
export const extensions: ReadonlyMap<string, string> = new Map(
  types.flatMap(([type, list]) => list.split(' ').map((extension) => [extension, type] as const)),
)
