// What is asked for. In fields, `{tag}` is the entity-tag that this server gives the file, `{weak}` the same as a weak
// one, `{date}` when it was changed last, `{before}` and `{after}` a day from that.

const letters = 'GET /letters.txt'
const ranges = (...values) => values.map((value) => [letters, `Range: ${value}`])
const ifRange = (...values) => values.map((value) => [letters, 'Range: bytes=0-4', `If-Range: ${value}`])
const forty = '1'.repeat(40)

/** The section of what has changed since the servers were started. */
export const late = 'Changed since the start'

/** By section: requests, each the beginning of its line and its fields. */
const sections = {
  Files: [
    [letters],
    ['HEAD /letters.txt'],
    ['GET /page.html'],
    ['GET /data.json'],
    ['GET /app.js'],
    ['GET /empty.txt'],
    ['HEAD /empty.txt'],
    ['GET /large.bin'],
    ['HEAD /large.bin'],
    ['GET /README'],
    ['GET /unknown.zzz'],
    ['GET /letters.txt?download=1'],
    ['GET http://files.example/letters.txt'],
    ['GET /missing.txt'],
    ['HEAD /missing.txt'],
  ],
  Names: [
    ['GET /name%20with%20spaces.txt'],
    ['GET /%C3%BCbergr%C3%B6%C3%9Fe.txt'],
    ['GET /%c3%bcbergr%c3%b6%c3%9fe.txt'],
    ['GET /\xc3\xbcbergr\xc3\xb6\xc3\x9fe.txt'],
    ['GET /%E6%97%A5%E6%9C%AC%E8%AA%9E.txt'],
    ['GET /100%25.txt'],
    ['GET /100%.txt'],
    ['GET /a%23b.txt'],
    ['GET /a#b.txt'],
    ['GET /l%65tters.txt'],
    ['GET /LETTERS.TXT'],
  ],
  Folders: [
    ['GET /with-index/'],
    ['HEAD /with-index/'],
    ['GET /with-index'],
    ['GET /with-index?a=1'],
    ['GET /with-index/index.html'],
    ['GET /without-index/'],
    ['GET /without-index'],
    ['GET /'],
    ['GET /missing/'],
    ['GET /letters.txt/'],
    ['GET /letters.txt/more'],
  ],
  'If-None-Match': [
    [letters, 'If-None-Match: {tag}'],
    ['HEAD /letters.txt', 'If-None-Match: {tag}'],
    [letters, 'If-None-Match: {weak}'],
    [letters, 'If-None-Match: "other"'],
    [letters, 'If-None-Match: "other", {tag}, W/"third"'],
    [letters, 'If-None-Match: *'],
    ['GET /missing.txt', 'If-None-Match: *'],
    [letters, 'If-None-Match: other'],
    [letters, 'If-None-Match: "other"', 'If-Modified-Since: {date}'],
    [letters, 'If-None-Match: {tag}', 'If-Modified-Since: {before}'],
    [letters, 'If-None-Match: {tag}', 'Range: bytes=0-4'],
  ],
  'If-Modified-Since': [
    [letters, 'If-Modified-Since: {date}'],
    [letters, 'If-Modified-Since: {after}'],
    [letters, 'If-Modified-Since: {before}'],
    ['HEAD /letters.txt', 'If-Modified-Since: {date}'],
    [letters, 'If-Modified-Since: Friday, 17-May-24 10:20:30 GMT'],
    [letters, 'If-Modified-Since: yesterday'],
  ],
  'If-Match, If-Unmodified-Since': [
    [letters, 'If-Match: {tag}'],
    [letters, 'If-Match: {weak}'],
    [letters, 'If-Match: "other"'],
    [letters, 'If-Match: "other", {tag}'],
    [letters, 'If-Match: *'],
    [letters, 'If-Unmodified-Since: {date}'],
    [letters, 'If-Unmodified-Since: {after}'],
    [letters, 'If-Unmodified-Since: {before}'],
    [letters, 'If-Unmodified-Since: yesterday'],
    [letters, 'If-Match: {tag}', 'If-Unmodified-Since: {before}'],
    [letters, 'If-Match: {tag}', 'If-None-Match: {tag}'],
  ],
  'If-Range': [
    ...ifRange('{tag}', '{weak}', '"other"', '{date}', '{before}', '{after}', 'yesterday'),
    [letters, 'If-Range: {tag}'],
  ],
  Range: [
    ...ranges('bytes=0-0', 'bytes=0-4', 'bytes=25-25', 'bytes=0-25', 'bytes=-5', 'bytes=-100', 'bytes=20-'),
    ...ranges('bytes=20-100', 'bytes=0-4,10-14', 'bytes=0-9,5-14', 'bytes=0-4,100-', 'bytes=10-14,0-4'),
    ...ranges('bytes=26-', 'bytes=100-200', 'bytes=-0', 'bytes=9-1', 'bytes=a-b', 'bytes=', 'bytes=0-4,x'),
    ...ranges('bytes=-', 'letters=0-4', 'Bytes=0-4', 'bytes= 0-4', `bytes=0-${forty}`, `bytes=${forty}-`),
    ...ranges(
      `bytes=-${forty}`,
      Array.from({ length: 300 }, () => '0-')
        .join(',')
        .replace(/^/, 'bytes='),
    ),
    ['HEAD /letters.txt', 'Range: bytes=0-4'],
    ['GET /empty.txt', 'Range: bytes=0-4'],
    ['GET /large.bin', 'Range: bytes=1000000-'],
    ['GET /missing.txt', 'Range: bytes=0-4'],
  ],
  'Accept-Encoding': [
    ['GET /app.js', 'Accept-Encoding: br'],
    ['HEAD /app.js', 'Accept-Encoding: br'],
    ['GET /app.js', 'Accept-Encoding: gzip'],
    ['GET /app.js', 'Accept-Encoding: gzip, deflate, br, zstd'],
    ['GET /app.js', 'Accept-Encoding: br;q=0.5, gzip'],
    ['GET /app.js', 'Accept-Encoding: br;q=0, gzip'],
    ['GET /app.js', 'Accept-Encoding: gzip;q=0'],
    ['GET /app.js', 'Accept-Encoding: identity;q=0'],
    ['GET /app.js', 'Accept-Encoding: *'],
    ['GET /app.js', 'Accept-Encoding: zstd'],
    ['GET /app.js', 'Accept-Encoding: GZIP'],
    ['GET /app.js', 'Accept-Encoding: vibro'],
    ['GET /app.js', 'Accept-Encoding: gzip', 'Range: bytes=0-9'],
    ['GET /app.js.gz'],
    ['GET /style.css', 'Accept-Encoding: br, gzip'],
    ['GET /style.css', 'Accept-Encoding: br'],
    [letters, 'Accept-Encoding: br, gzip'],
  ],
  Methods: [
    ['POST /letters.txt', 'Content-Length: 0'],
    ['PUT /letters.txt', 'Content-Length: 0'],
    ['DELETE /letters.txt'],
    ['OPTIONS /letters.txt'],
    ['OPTIONS *'],
    ['POST /missing.txt', 'Content-Length: 0'],
  ],
  'Dots, links, permissions': [
    ['GET /.hidden'],
    ['GET /%2ehidden'],
    ['GET /.git/config'],
    ['GET /.well-known/security.txt'],
    ['GET /inside.txt'],
    ['GET /outside.txt'],
    ['GET /outside/secret.txt'],
    ['GET /forbidden.txt'],
    ['HEAD /forbidden.txt'],
  ],
  'Paths that want out': [
    ['GET /../outside/secret.txt'],
    ['GET /%2e%2e/outside/secret.txt'],
    ['GET /..%2Foutside/secret.txt'],
    ['GET /..%5Coutside%5Csecret.txt'],
    ['GET /..\\outside\\secret.txt'],
    ['GET /with-index/../letters.txt'],
    ['GET /with-index/%2E%2E/letters.txt'],
    ['GET /with-index/..%2Fletters.txt'],
    ['GET /with-index%2Findex.html'],
    ['GET /./letters.txt'],
    ['GET //letters.txt'],
    ['GET //with-index'],
    ['GET /with-index//index.html'],
    ['GET /letters.txt%00'],
    ['GET /letters.txt%00.html'],
    ['GET /letters.txt\0'],
    ['GET /%c0%ae%c0%ae/outside/secret.txt'],
    ['GET /letters.txt.'],
    ['GET /letters.txt%20'],
    ['GET /letters.txt::$DATA'],
    ['GET /%ZZ'],
    ['GET letters.txt'],
  ],
  [late]: [['GET /new.txt'], ['GET /grown.txt'], ['GET /removed.txt']],
}

/** All of them, in order; `id` is what tells one from another. */
export const requests = Object.entries(sections).flatMap(([section, list]) =>
  list.map(([line, ...fields]) => ({ section, line, fields, id: idOf(line, fields) })),
)

/** For people: visible ASCII, and not too long. */
function idOf(line, fields) {
  const text = [line, ...fields]
    .join('; ')
    .replaceAll(/[^\x20-\x7e]/g, (it) => `\\x${it.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return text.length > 100 ? `${text.slice(0, 60)}... (${text.length} characters)` : text
}
