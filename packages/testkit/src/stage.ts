import type { Accept, Listener, Transport } from '@fairlead/core'

import type { Broom } from './broom.ts'
import type { Capabilities, Fixture, Peer, RecordReader } from './fixture.ts'
import { type Also, type Recording, recording } from './recording.ts'
import { textMaker } from './records.ts'
import { soon, until } from './wait.ts'

/** What a client says first where a transport announces nobody before they speak. No reader hears it. */
const greeting = 'ahoy'

/** Both ends of one conversation, untouched, and the listener in between. */
export interface Pair {
  readonly listener: Listener<Peer>
  readonly client: Peer
  readonly server: Peer
}

const makers = new WeakMap<object, (index: number, size: number) => string>()

/** Where one check plays: a fresh transport, short verbs for it, and a broom for what is left. */
export class Stage {
  readonly fixture: Fixture
  readonly can: Capabilities
  readonly transport: Transport<Peer, unknown>
  readonly #broom: Broom

  constructor(fixture: Fixture, broom: Broom) {
    this.#broom = broom
    this.fixture = fixture
    this.can = fixture.can
    this.transport = fixture.transport()
  }

  /** A stage on another fresh transport, cleared with this one. */
  another(): Stage {
    return new Stage(this.fixture, this.#broom)
  }

  async listen(accept?: Accept<Peer, unknown>): Promise<Listener<Peer>> {
    return this.#broom.keep(await soon(this.transport.listen(accept), 'it listens'))
  }

  async connect(): Promise<Peer> {
    const client = this.#broom.keep(await soon(this.transport.connect(), 'it is connected'))
    if (!this.can.announces) client.write(this.encode(greeting))
    return client
  }

  async pair(): Promise<Pair> {
    const accepted: Peer[] = []
    const listener = await this.listen((connection) => void accepted.push(connection))
    const client = await this.connect()
    await until(() => accepted.length > 0, 'the connection is accepted')
    const server = accepted[0] as Peer
    await this.greeted(server)
    return { listener, client, server }
  }

  /** Reads the greeting that made the connection, where there is one. */
  async greeted(server: Peer): Promise<void> {
    if (!this.can.announces) for await (const _ of server) break
  }

  encode(text: string): unknown {
    return this.fixture.records.encode(text)
  }

  /** Text number `index`; of `size` characters, where that is enough for the number. */
  text(index: number, size = 24): string {
    const { records, volume } = this.fixture
    let maker = makers.get(records)
    if (!maker) makers.set(records, (maker = textMaker(records.alphabet, Math.max(volume.size, 4_096))))
    return maker(index, size)
  }

  /** The texts from number `first` to before `end`. */
  texts(first: number, end: number): string[] {
    return Array.from({ length: end - first }, (_, index) => this.text(first + index))
  }

  /** Texts that together are more than any transport hands over in one piece. */
  largeTexts(first: number, end: number): string[] {
    const size = Math.min(this.fixture.volume.size, 32_768)
    return Array.from({ length: end - first }, (_, index) => this.text(first + index, size))
  }

  /** Writes texts without waiting for room. */
  write(connection: Peer, texts: readonly string[]): void {
    for (const text of texts) connection.write(this.encode(text))
  }

  reader(): RecordReader<unknown> {
    const reader = this.fixture.records.reader()
    return { push: (data) => reader.push(data).filter((text) => text !== greeting) }
  }

  /** Handles the connection and writes down what is heard. */
  record(connection: Peer, also?: Also): Recording {
    const heard = recording(this.reader(), also)
    connection.handle(heard.handler)
    return heard
  }

  /** Iterates until `count` texts are there, or to the end, and breaks. */
  async read(connection: Peer, count = Infinity, reader = this.reader()): Promise<string[]> {
    const texts: string[] = []
    if (count === 0) return texts
    for await (const data of connection) {
      texts.push(...reader.push(data))
      if (texts.length >= count) break
    }
    return texts
  }

  /** Says something at one end and waits until it is heard by the recording of the other. */
  async tell(from: Peer, to: Recording, text: string): Promise<void> {
    from.write(this.encode(text))
    await until(() => to.texts.includes(text), `${JSON.stringify(text)} arrives`)
  }
}
