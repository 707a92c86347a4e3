import { announce, byId } from './dom.js'
import { size } from './format.js'
import { Refused, sendFile, unfinished } from './send-file.js'
import { UploadRow } from './upload-row.js'

const DONE_STAYS = 8_000

/**
 * Sends files one after the other, each with a row that shows how far it is.
 *
 *     queued ──> sending ──> done
 *       ↑         │  ↑↓
 *       │         │  lost
 *       └─ retry ─ failed             awaited: begun by an earlier page, which had the file
 */
export class Uploads {
  #queue = []
  #working = false
  #current
  #awaited = new Map()
  #options

  /**
   * `endpoint` is where they are sent, and `folder` where they shall lie. `words` has the page's own: what a file is
   * when it is `done`, what the `server` is called, and what a `stranger` is told. `metadata()` is sent along with each
   * file, and `arrived()` is called behind it. `connected()` says whether the server is there, where that is known:
   * while it is not, the queue waits for `resume()`.
   */
  constructor(options) {
    const optional = { maxSize: Infinity, metadata() {}, arrived() {}, connected: () => true }
    this.#options = { ...optional, ...options }
    addEventListener('beforeunload', (event) => {
      if (this.#working || this.#queue.length > 0) event.preventDefault()
    })
    addEventListener('online', () => void this.resume())
  }

  add(files) {
    for (const file of files) {
      this.#awaited.get(file.name)?.remove()
      this.#awaited.delete(file.name)
      const { maxSize, words } = this.#options
      if (file.size > maxSize) {
        this.refuse(
          file.name,
          `It has ${size(file.size)}; this ${words.server} takes up to ${size(maxSize)}.`,
        )
        continue
      }
      const row = new UploadRow(file, {
        retry: () => this.#enqueue(upload),
        close: () => this.#discard(upload),
      })
      const upload = { file, row, abort: undefined, wake: undefined }
      byId('uploads').append(row.element)
      this.#enqueue(upload)
    }
  }

  /** Shows why something cannot be sent at all. */
  refuse(name, reason) {
    const row = new UploadRow({ name, size: 0 }, { close: () => row.remove() })
    row.fail(reason, { again: false })
    byId('uploads').append(row.element)
    announce(`${name}: ${reason}`)
  }

  /** Shows what an earlier page has begun and not finished. */
  async remember() {
    for (const it of await unfinished(this.#options)) {
      const row = new UploadRow(it, {
        close() {
          it.forget()
          row.remove()
        },
      })
      row.await()
      this.#awaited.set(it.name, row)
      byId('uploads').append(row.element)
    }
  }

  /** Goes on: with the queue, or at once with a file that waits for its next attempt. */
  async resume() {
    this.#current?.wake.dispatchEvent(new Event('wake'))
    if (this.#working) return
    this.#working = true
    while (this.#options.connected() && this.#queue.length > 0) await this.#send(this.#queue.shift())
    this.#working = false
  }

  #enqueue(upload) {
    upload.row.queue()
    this.#queue.push(upload)
    void this.resume()
  }

  #discard(upload) {
    this.#queue = this.#queue.filter((other) => other !== upload)
    upload.abort?.abort()
    upload.row.remove()
  }

  async #send(upload) {
    const { file, row } = upload
    const { endpoint, folder, words, metadata, arrived } = this.#options
    upload.abort = new AbortController()
    upload.wake = new EventTarget()
    this.#current = upload
    row.start()
    try {
      const name = await sendFile(file, {
        endpoint,
        folder,
        words,
        metadata: metadata(),
        signal: upload.abort.signal,
        wake: upload.wake,
        progress: (sent) => row.progress(sent),
        lost: () => row.lose(),
      })
      upload.abort = undefined
      row.finish(name, words.done)
      announce(`${name} is ${words.done.toLowerCase()}.`)
      setTimeout(() => row.remove(), DONE_STAYS)
      arrived()
    } catch (error) {
      if (upload.abort.signal.aborted) return
      row.fail(error.message, { again: !(error instanceof Refused) })
      announce(`${file.name}: ${error.message}`)
    } finally {
      this.#current = undefined
    }
  }
}
