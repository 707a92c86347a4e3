// The files that are served: the same folder for all.

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** When every file was changed last. Whole seconds, as HTTP tells them. */
export const changed = new Date('2024-05-17T10:20:30Z')

/** The same on every machine, and unlike itself in every part. */
function bytes(count) {
  let state = 1
  return Buffer.from(
    Uint8Array.from(
      { length: count },
      () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24,
    ),
  )
}

const text = (content) => Buffer.from(content)

/** Compressed once, and not here: other versions of zlib make other bytes. */
const script = {
  plain: text('export const greet = (name) => `Hello, ${name}! Hello, ${name}! Hello, ${name}!`\n'),
  br: Buffer.from(
    'G1AA+AUib11JZxPYhPqyEl/4KbCZZmADDpzSIPdZbgRE4MgkfIKE+Ec/ZhchrjYtIQWtNsbOhOfyPaQO',
    'base64',
  ),
  gzip: Buffer.from(
    'H4sIAAAAAAAAA0utKMgvKlFIzs8rLlFIL0pNLVGwVdDIS8xN1VSwtVNI8EjNycnXUVCpBgnVKioQ4CdwAQAVWVgcUQAAAA==',
    'base64',
  ),
}
const style = {
  plain: text('body { margin: 0; padding: 0 }\nmain { margin: 0; padding: 0 }\n'),
  gzip: Buffer.from('H4sIAAAAAAAAA0vKT6lUqFbITSxKz8yzUjCwVihITEnJzEu3UjBQqOXKTczMwyMNAP1ypNk+AAAA', 'base64'),
}

/** By the path from the root. */
export const files = {
  'letters.txt': text('abcdefghijklmnopqrstuvwxyz'),
  'page.html': text('<!doctype html><title>A page</title>\n'),
  'data.json': text('{"a":1}\n'),
  'empty.txt': text(''),
  'large.bin': bytes(1024 ** 2),
  README: text('no extension\n'),
  'unknown.zzz': text('of a kind that nobody knows\n'),
  'name with spaces.txt': text('spaces\n'),
  'übergröße.txt': text('umlauts\n'),
  '日本語.txt': text('another script\n'),
  '100%.txt': text('percent\n'),
  'a#b.txt': text('number sign\n'),
  '.hidden': text('a file with a dot\n'),
  '.git/config': text('a folder with a dot\n'),
  '.well-known/security.txt': text('there to be asked for\n'),
  'with-index/index.html': text('<!doctype html><title>An index</title>\n'),
  'without-index/one.txt': text('one\n'),
  'app.js': script.plain,
  'app.js.br': script.br,
  'app.js.gz': script.gzip,
  'style.css': style.plain,
  'style.css.gz': style.gzip,
  'forbidden.txt': text('nobody may read this\n'),
  'grown.txt': text('some'),
  'removed.txt': text('removed\n'),
}

/** What a file that has grown has more. */
const more = ' and some more'

/** Beside the root, where nothing is served. */
const secret = text('a secret\n')

/** Makes them below `folder`, and returns the root, which is a folder in it. */
export function makeFiles(folder) {
  const root = join(folder, 'root')
  const write = (path, content) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    utimesSync(path, changed, changed)
  }
  for (const [name, content] of Object.entries(files)) write(join(root, name), content)
  write(join(folder, 'outside/secret.txt'), secret)
  symlinkSync('letters.txt', join(root, 'inside.txt'))
  symlinkSync('../outside/secret.txt', join(root, 'outside.txt'))
  symlinkSync('../outside', join(root, 'outside'))
  chmodSync(join(root, 'forbidden.txt'), 0)
  return root
}

/** What happens to the files when the servers have begun. */
export function changeFiles(root) {
  writeFileSync(join(root, 'new.txt'), 'new\n')
  appendFileSync(join(root, 'grown.txt'), more)
  for (const name of ['new.txt', 'grown.txt']) utimesSync(join(root, name), changed, changed)
  unlinkSync(join(root, 'removed.txt'))
}

/** What a path leads to at last, by its name, for those who compare bodies. */
export const contents = new Map(
  Object.entries({
    ...files,
    'grown.txt': text(`some${more}`),
    'new.txt': text('new\n'),
    'outside/secret.txt': secret,
  })
    .filter(([, content]) => content.length > 0)
    .map(([name, content]) => [name, content.toString('latin1')]),
)
