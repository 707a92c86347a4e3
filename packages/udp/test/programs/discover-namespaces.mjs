// Two machines and two cables between them, each a network namespace with a peer in it: this one starts both, and
// prints what each was told, and what a bare socket heard that is in no group.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { defaultServerConditions, runnerImport } from 'vite'

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url))
const program = pathOf('discover.mjs')
/** The classes of a file of the sources. */
async function load(name) {
  const conditions = ['@fairlead/source', ...defaultServerConditions]
  const inline = { resolve: { conditions, noExternal: true } }
  return (
    await runnerImport(pathOf(name), { configFile: false, logLevel: 'error', environments: { inline } })
  ).module
}

/** A process with a peer, and what it told. */
class Peer {
  told = []
  hosts = []

  constructor(name, command, broadcast = false) {
    const options = { lifetime: 1_500, broadcast }
    const service = { type: 'chat', name, port: 7000 }
    const argument = JSON.stringify({ service, query: { type: 'chat' }, options })
    const [file, ...rest] = [...command.split(' '), process.execPath, program, argument]
    this.child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#read(JSON.parse(line)))
  }

  #read({ kind, peer }) {
    if (!kind) return
    this.hosts = peer.addresses.map(({ host }) => host)
    const who = [peer.name, peer.data.colour].filter(Boolean).join(' ')
    // Which address is heard first is chance, and a better one is a change.
    if (kind !== 'changed' || !this.told.at(-1)?.endsWith(who)) this.told.push(`${kind} ${who}`)
  }

  update(changes) {
    this.child.stdin.write(`${JSON.stringify(changes)}\n`)
  }
}

async function until(condition) {
  const giveUp = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > giveUp)
      throw new Error(`Never came true: ${condition}: ${JSON.stringify([anna.told, berta.told])}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const { Far } = await load('../namespaces/far.ts')
const { Cable } = await load('../namespaces/cable.ts')
const bare = await Far.start()
const far = `nsenter -t ${bare.pid} -n`
for (const there of ['', `${far} `]) {
  const [file, ...words] = `${there}ip link set lo up`.split(' ')
  execFileSync(file, words)
}
for (const number of [1, 2]) await new Cable(number, bare).plug()

const anna = new Peer('anna', 'env')
let berta = new Peer('berta', far)
let carla
const saw = (peer, text) => until(() => peer.told.at(-1) === text)
try {
  await Promise.all([saw(anna, 'found berta'), saw(berta, 'found anna')])
  anna.update({ data: { colour: 'red' } })
  await saw(berta, 'changed anna red')
  await until(() => berta.hosts.length === 4)
  const { hosts } = berta
  // No goodbye: her lifetime passes.
  berta.child.kill('SIGKILL')
  await saw(anna, 'lost berta')
  berta = new Peer('berta', far)
  await Promise.all([saw(anna, 'found berta'), saw(berta, 'found anna red')])
  const exited = once(berta.child, 'exit')
  berta.child.stdin.end()
  await saw(anna, 'lost berta')
  const [code] = await exited

  // Nobody at the far end is in a group any more: what is heard there was broadcast.
  await bare.do('listen', { port: 17_996 })
  carla = new Peer('carla', 'env', true)
  const from = (host) => bare.heard.some((it) => it.includes('carla') && it.endsWith(` from ${host}`))
  await until(() => from('10.9.1.1') && from('10.9.2.1'))
  // Three of her announcements, in which time anna makes three of her own.
  const before = bare.heard.length
  await until(() => bare.heard.length > before + 6)
  const broadcasts = { carla: true, anna: bare.heard.some((it) => it.includes('anna')) }
  console.log(JSON.stringify({ anna: anna.told, berta: berta.told, hosts, code, broadcasts }))
} finally {
  anna.child.kill()
  berta.child.kill()
  carla?.child.kill()
  bare.stop()
}
