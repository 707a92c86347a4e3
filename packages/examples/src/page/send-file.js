/* global tus */

/** Bytes up to which a file is sent with the request that announces it. */
const SMALL = 256 * 1024

/** Milliseconds before each further attempt: five minutes in all, time to start a server again. */
const PATIENCE = [0, 500, 1000, 2000, 3000, ...Array(60).fill(5000)]

const explained = ({ server, stranger }) => ({
  401: stranger,
  403: `The ${server} does not allow this.`,
  405: `This ${server} takes no files.`,
  413: `The file is too large for this ${server}.`,
  507: `The ${server} has no space left.`,
})

/** Milliseconds for which a server keeps what was not finished. */
const DAY = 86_400_000

/** Statuses that another attempt may change by itself, and those that none changes. */
const PASSING = new Set([0, 408, 409, 423, 425, 429, 500, 502, 503, 504])
const FINAL = new Set([403, 405, 413])

/** The server will not take this file, however often it is sent. */
export class Refused extends Error {}

/** Whoever asks is not known (any more): what was sent waits for those who are. */
class Stranger extends Error {
  status = 401
}

/**
 * Sends one file in a way that goes on where it broke off: after the connection was lost, the server was started again
 * or the page was loaded anew. Resolves to the name that the file got. Rejects with an error whose message can be shown.
 *
 * `lost()` is called when an attempt failed and another one will be made; an event `wake` makes it at once.
 */
export function sendFile(file, { endpoint, folder, metadata, words, signal, wake, progress, lost }) {
  return new Promise((resolve, reject) => {
    let waiting = false
    const upload = new tus.Upload(file, {
      endpoint,
      metadata: { filename: file.name, folder, ...metadata },
      // The same file in two folders is two uploads.
      fingerprint: async () => [folder, file.name, file.size, file.lastModified, endpoint].join(' '),
      removeFingerprintOnSuccess: true,
      uploadDataDuringCreation: file.size <= SMALL,
      retryDelays: PATIENCE,
      onProgress(sent) {
        waiting = false
        progress(sent)
      },
      onAfterResponse(request, response) {
        // The client takes this as a sign that nothing is there, and would begin anew.
        if (request.getMethod() === 'HEAD' && response.getStatus() === 401) throw new Stranger()
      },
      onShouldRetry(error) {
        waiting = PASSING.has(statusOf(error))
        if (waiting) lost()
        return waiting
      },
      onSuccess({ lastResponse }) {
        const name = lastResponse.getHeader('Fairlead-Name')
        resolve(name ? decodeURIComponent(name) : file.name)
      },
      onError: (error) => reject(errorOf(error, words)),
    })
    wake.addEventListener('wake', () => {
      if (!waiting) return
      void upload.abort()
      upload.start()
    })
    signal.addEventListener('abort', () => {
      waiting = false
      // What was sent is taken off the server; where that fails, it is in a day.
      upload.abort(true).catch(() => {})
      reject(signal.reason)
    })
    upload.findPreviousUploads().then(([previous]) => {
      if (previous) upload.resumeFromPreviousUpload(previous)
      if (!signal.aborted) upload.start()
    }, reject)
  })
}

/** Uploads into this folder that were begun and not finished, by this browser. */
export async function unfinished({ endpoint, folder }) {
  const all = await tus.defaultOptions.urlStorage.findAllUploads()
  const ours = all.filter(({ uploadUrl }) => uploadUrl?.startsWith(endpoint))
  return ours
    .filter(({ metadata }) => metadata?.folder === folder)
    .filter(({ creationTime }) => Date.now() - Date.parse(creationTime) < DAY)
    .map(({ metadata, size, uploadUrl, urlStorageKey }) => ({
      name: metadata.filename,
      size,
      forget() {
        tus.Upload.terminate(uploadUrl, {}).catch(() => {})
        void tus.defaultOptions.urlStorage.removeUpload(urlStorageKey)
      },
    }))
}

const statusOf = (error) => error.causingError?.status ?? error.originalResponse?.getStatus() ?? 0

function errorOf(error, words) {
  const status = statusOf(error)
  if (status === 0) return new Error('The upload was interrupted.')
  const said = error.originalResponse?.getBody()?.trim() ?? ''
  const usable = said !== '' && said.length <= 200 && !said.startsWith('<')
  const text = explained(words)[status] ?? (usable ? said : `The ${words.server} answered ${status}.`)
  return new (FINAL.has(status) ? Refused : Error)(text)
}
