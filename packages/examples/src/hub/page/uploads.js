import { announce, byId } from './dom.js'
import { Interrupted, TooLarge, sendFile } from './send-file.js'
import { UploadRow } from './upload-row.js'

const DONE_STAYS = 8_000
const NEWS_OF_A_LOSS = 1_000

/**
 * Sends files one after the other, each with a row that shows how far it is.
 *
 *     queued ──> sending ──> done
 *       ↑           ↓
 *       └─ retry ─ failed
 */
export class Uploads {
  #queue = []
  #working = false
  #connected
  #name

  /**
   * `connected()` says whether the hub is there; while it is not, the queue waits for `resume()`. `name()` says
   * who shares.
   */
  constructor({ connected, name }) {
    this.#connected = connected
    this.#name = name
    addEventListener('beforeunload', (event) => {
      if (this.#working || this.#queue.length > 0) event.preventDefault()
    })
  }

  add(files) {
    for (const file of files) {
      const row = new UploadRow(file, {
        retry: () => this.#enqueue(upload),
        close: () => this.#discard(upload),
      })
      const upload = { file, row, abort: undefined }
      byId('uploads').append(row.element)
      this.#enqueue(upload)
    }
  }

  /** Shows why something cannot be uploaded at all. */
  refuse(name, reason) {
    const row = new UploadRow({ name, size: 0 }, { close: () => row.remove() })
    row.fail(reason, { again: false })
    byId('uploads').append(row.element)
    announce(`${name}: ${reason}`)
  }

  async resume() {
    if (this.#working) return
    this.#working = true
    while (this.#connected() && this.#queue.length > 0) await this.#send(this.#queue.shift())
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
    upload.abort = new AbortController()
    row.start()
    try {
      const name = await sendFile(file, {
        by: this.#name(),
        signal: upload.abort.signal,
        progress: (sent) => row.progress(sent),
      })
      row.finish(name)
      announce(`${name} is shared.`)
      setTimeout(() => row.remove(), DONE_STAYS)
    } catch (error) {
      if (upload.abort.signal.aborted) return
      // The socket may learn of the loss a moment later; the rest of the queue had better wait for that news.
      if (error instanceof Interrupted) await new Promise((resolve) => setTimeout(resolve, NEWS_OF_A_LOSS))
      const reason =
        error instanceof Interrupted && !this.#connected() ? 'The connection was lost.' : error.message
      row.fail(reason, { again: !(error instanceof TooLarge) })
      announce(`${file.name}: ${reason}`)
    }
  }
}
