/**
 * Whether the hub works, told without a test runner, for any runtime: one line of JSON for each check.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { lines, type MessageConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'

import { findHubs } from './hub/find.ts'
import { type Hub, startHub } from './hub/hub.ts'

/** Milliseconds that one check may take. */
const timeout = 20_000

const checks: Record<string, (hub: Hub) => Promise<void>> = {
  async 'a terminal talks to the room'({ chat }) {
    await using stream = await tcp.connect(chat)
    await converse(lines(stream), 'terminal')
  },

  async 'a WebSocket talks to the room'({ page }) {
    await using connection = await websocket.connect(new URL('chat', page.replace('http', 'ws')))
    await converse(connection, 'browser')
  },

  async 'the page is served'({ page }) {
    const response = await fetch(page)
    equal(response.status, 200)
    equal((await response.text()).startsWith('<!doctype html>'), true)
  },

  async 'what is uploaded is downloaded again'({ page }) {
    const content = new Uint8Array(3_000_000).map((_, at) => at % 251)
    const url = new URL('files/smoke%20%C3%BC.bin', page)
    equal((await fetch(url, { method: 'PUT', body: content })).status, 201)
    const response = await fetch(url)
    equal(response.headers.get('content-length'), '3000000')
    equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), content), 0)
  },

  async 'an upload goes on, and a download in parts'({ page }) {
    const tus = { 'Tus-Resumable': '1.0.0' }
    const named = { 'Upload-Length': '8', 'Upload-Metadata': `filename ${btoa('parts')}` }
    const begun = await fetch(new URL('uploads', page), { method: 'POST', headers: { ...tus, ...named } })
    equal(begun.status, 201)
    const url = new URL(begun.headers.get('location') ?? '', page)
    const type = { 'Content-Type': 'application/offset+octet-stream' }
    for (const offset of ['0', '4']) {
      const headers = { ...tus, ...type, 'Upload-Offset': offset }
      const far = await fetch(url, { method: 'HEAD', headers: tus })
      equal(far.headers.get('upload-offset'), offset)
      equal((await fetch(url, { method: 'PATCH', headers, body: 'ahoy' })).status, 204)
    }
    const part = await fetch(new URL('files/parts', page), { headers: { Range: 'bytes=3-4' } })
    equal(part.status, 206)
    equal(await part.text(), 'ya')
  },

  async 'the beacon answers'({ page, beacon }) {
    const hubs = await findHubs({ port: beacon.port, timeout: 500 })
    equal(hubs.map((hub) => hub.page).join(), page)
  },
}

/** Enters, takes a name, says something and hears it come back. */
async function converse(connection: MessageConnection<string>, name: string): Promise<void> {
  await connection.send(`/nick ${name}`)
  await connection.send('ahoy')
  for await (const line of connection) if (line === `${name}: ahoy`) return
  throw new Error('the room closed')
}

function equal<T>(actual: T, expected: T): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, got ${String(actual)}`)
}

async function report(name: string, run: () => Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${timeout} ms`)), timeout)
  })
  const result = await Promise.race([run(), late]).then(
    () => ({ ok: true }),
    (error: unknown) => ({ ok: false, error: error instanceof Error ? error.message : String(error) }),
  )
  clearTimeout(timer)
  console.log(JSON.stringify({ suite: 'hub', name, ...result }))
}

const folder = await mkdtemp(join(tmpdir(), 'fairlead-smoke-'))
let hub: Hub | undefined
await report('the hub starts', async () => {
  hub = await startHub({ port: 0, chatPort: 0, beaconPort: 0, folder, maxUpload: 10_000_000, lan: false })
})
if (hub) {
  const started = hub
  for (const [name, check] of Object.entries(checks)) await report(name, () => check(started))
  await report('the hub stops', () => started.stop(1_000))
}
await rm(folder, { recursive: true, force: true })
process.exit(0)
