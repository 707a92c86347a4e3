const SHORTEST_CEILING = 500
const LONGEST_CEILING = 8_000
const PATIENCE = 10_000
const GOING_AWAY = 1001

/**
 * A WebSocket to `path` beside this page that comes back by itself.
 *
 *     connecting ──> open ──> lost ──> open …        leave() in any state ──> left ──> join()
 *          └───────────────────┘
 *
 * Events: `open`, `message` (with `data`), `lost` (once per outage, not per attempt) and `left`.
 */
export class ReconnectingSocket extends EventTarget {
  state = 'connecting'
  /** Whether the hub itself said that it was going away before the connection was lost. */
  hubStopped = false

  #url
  #socket
  #listening
  #timer
  #attempts = 0
  #openedAt = 0

  constructor(path) {
    super()
    this.#url = new URL(path, location.href)
    this.#url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    this.#url.search = ''
    addEventListener('online', () => this.hurry())
    document.addEventListener('visibilitychange', () => document.hidden || this.hurry())
    this.#connect()
  }

  /** Returns whether the text was handed over; false loses nothing, for nothing was taken. */
  send(text) {
    if (this.state !== 'open') return false
    this.#socket.send(text)
    return true
  }

  /** Tries again now instead of when the back-off ends. Does nothing unless it is waiting. */
  hurry() {
    if (this.state === 'lost' && this.#socket === undefined) this.#connect()
  }

  /** Gives up a connection that seems dead, without waiting for a closing handshake that cannot come. */
  drop() {
    this.#release()
    this.#lose()
  }

  leave() {
    this.#release()
    this.#enter('left')
  }

  join() {
    if (this.state !== 'left') return
    this.state = 'connecting'
    this.#connect()
  }

  #connect() {
    clearTimeout(this.#timer)
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    // A packet filter that swallows packets would otherwise hold an attempt for minutes.
    this.#timer = setTimeout(() => this.drop(), PATIENCE)
    this.#listening = new AbortController()
    const on = (event, heard) => socket.addEventListener(event, heard, { signal: this.#listening.signal })
    on('open', () => {
      clearTimeout(this.#timer)
      this.#openedAt = performance.now()
      this.#enter('open')
    })
    on('message', ({ data }) => this.dispatchEvent(new MessageEvent('message', { data })))
    on('close', ({ code }) => {
      this.#release()
      this.#lose(code)
    })
  }

  #release() {
    clearTimeout(this.#timer)
    this.#listening?.abort()
    this.#socket?.close()
    this.#socket = undefined
  }

  #lose(code) {
    // A hub that accepts and hangs up at once must not be hammered: only a lasting connection counts as success.
    if (this.state === 'open' && performance.now() - this.#openedAt > LONGEST_CEILING) this.#attempts = 0
    const ceiling = Math.min(LONGEST_CEILING, SHORTEST_CEILING * 2 ** this.#attempts++)
    // Full jitter, so that the pages of a whole room do not return in step.
    this.#timer = setTimeout(() => this.#connect(), Math.random() * ceiling)
    if (this.state === 'lost') return
    this.hubStopped = code === GOING_AWAY
    this.#enter('lost')
  }

  #enter(state) {
    this.state = state
    this.dispatchEvent(new Event(state))
  }
}
