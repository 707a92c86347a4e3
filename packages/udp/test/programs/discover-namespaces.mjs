// Two machines on one cable, each a network namespace with a peer in it: this one starts both, and prints what each
// was told.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('discover.mjs', import.meta.url))

/** A process with a peer, and what it told. */
class Peer {
  told = []
  hosts = []

  constructor(name, command) {
    const options = { lifetime: 1_500, broadcast: true }
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

function run(line) {
  const [file, ...words] = line.split(' ')
  execFileSync(file, words)
}

// A process that holds the other namespace, whoever comes and goes in it.
const holder = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up; echo; exec cat'], { stdio: 'pipe' })
await once(holder.stdout, 'data')
const far = `nsenter -t ${holder.pid} -n`
run('ip link set lo up')
run('ip link add near type veth peer name far')
run(`ip link set far netns ${holder.pid}`)
for (const [there, name, end] of [
  ['', 'near', 1],
  [`${far} `, 'far', 2],
]) {
  // One link-local address each, which can be used at once.
  run(`${there}ip link set ${name} addrgenmode none`)
  run(`${there}ip addr add 10.9.1.${end}/24 broadcast + dev ${name}`)
  run(`${there}ip addr add fe80::9:${end}/64 dev ${name} nodad`)
  run(`${there}ip link set ${name} up`)
}

const anna = new Peer('anna', 'env')
let berta = new Peer('berta', far)
const saw = (peer, text) => until(() => peer.told.at(-1) === text)
try {
  await Promise.all([saw(anna, 'found berta'), saw(berta, 'found anna')])
  anna.update({ data: { colour: 'red' } })
  await saw(berta, 'changed anna red')
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
  console.log(JSON.stringify({ anna: anna.told, berta: berta.told, hosts, code }))
} finally {
  anna.child.kill()
  berta.child.kill()
  holder.kill()
}
