import { describe, expect, test } from 'vitest'

import { mediaType } from '../../src/files/media-type.ts'

test.each([
  ['html', 'text/html; charset=utf-8'],
  ['htm', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['mjs', 'text/javascript; charset=utf-8'],
  ['cjs', 'text/javascript; charset=utf-8'],
  ['txt', 'text/plain; charset=utf-8'],
  ['md', 'text/markdown; charset=utf-8'],
  ['csv', 'text/csv; charset=utf-8'],
  ['vtt', 'text/vtt; charset=utf-8'],
  ['rs', 'text/plain; charset=utf-8'],
  ['tsx', 'text/plain; charset=utf-8'],
  ['ts', 'video/mp2t'],
  ['xml', 'text/xml'],
  ['svg', 'image/svg+xml'],
  ['xhtml', 'application/xhtml+xml'],
  ['json', 'application/json'],
  ['map', 'application/json'],
  ['webmanifest', 'application/manifest+json'],
  ['ndjson', 'application/x-ndjson'],
  ['wasm', 'application/wasm'],
  ['webm', 'video/webm'],
  ['mp4', 'video/mp4'],
  ['m4v', 'video/mp4'],
  ['mkv', 'video/matroska'],
  ['m3u8', 'application/vnd.apple.mpegurl'],
  ['mp3', 'audio/mpeg'],
  ['m4a', 'audio/mp4'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['wav', 'audio/wav'],
  ['avif', 'image/avif'],
  ['webp', 'image/webp'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['heic', 'image/heic'],
  ['ico', 'image/vnd.microsoft.icon'],
  ['woff', 'font/woff'],
  ['woff2', 'font/woff2'],
  ['ttf', 'font/ttf'],
  ['eot', 'application/vnd.ms-fontobject'],
  ['pdf', 'application/pdf'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['zip', 'application/zip'],
  ['gz', 'application/gzip'],
  ['tar', 'application/x-tar'],
  ['zst', 'application/zstd'],
  ['7z', 'application/x-7z-compressed'],
  ['exe', 'application/octet-stream'],
  ['bin', 'application/octet-stream'],
])('.%s is %s', (extension, type) => {
  expect(mediaType(`a.${extension}`)).toBe(type)
  expect(mediaType(`/a.b/ü.c.${extension.toUpperCase()}`)).toBe(type)
})

describe('nobody knows', () => {
  test.each([
    '',
    '.',
    'a',
    'a.',
    'html',
    'json',
    '.html',
    'a/.html',
    'a.html/b',
    'a.unheard-of',
    'a.constructor',
    'a.__proto__',
    'a.toString',
    'a.hasOwnProperty',
    'a.html~',
  ])('%j', (name) => {
    expect(mediaType(name)).toBe('application/octet-stream')
    expect(mediaType(name, {})).toBe('application/octet-stream')
  })
})

test('types that are given go first, as they are', () => {
  const types = {
    ts: 'text/typescript',
    '.md': 'text/plain;charset=ISO-8859-1',
    gpg: 'application/pgp-encrypted',
  }
  expect(mediaType('a.ts', types)).toBe('text/typescript')
  expect(mediaType('A.TS', types)).toBe('text/typescript')
  expect(mediaType('a.md', types)).toBe('text/plain;charset=ISO-8859-1')
  expect(mediaType('a.gpg', types)).toBe('application/pgp-encrypted')
  expect(mediaType('a.html', types)).toBe('text/html; charset=utf-8')
  expect(mediaType('ts', types)).toBe('application/octet-stream')
})
