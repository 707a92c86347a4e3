/** The request broke off; whether the hub or only this request is gone, the browser does not tell. */
export class Interrupted extends Error {}

/** The hub will not take this file, however often it is sent. */
export class TooLarge extends Error {}

const EXPLAINED = {
  401: 'The hub wants a token: open the address that it printed.',
  403: 'The hub does not allow this.',
  413: 'The file is too large for this hub.',
  507: 'The hub has no space left.',
}

/**
 * Uploads one file and resolves to the name that the hub gave it. XMLHttpRequest, because fetch does not tell
 * how much of a body has been sent. Rejects with an error whose message can be shown.
 */
export function sendFile(file, { by, signal, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.upload.addEventListener('progress', ({ loaded }) => progress(loaded))
    request.addEventListener('load', () => {
      const answer = parsed(request)
      if (request.status >= 200 && request.status < 300) resolve(answer?.name ?? file.name)
      else reject(new (request.status === 413 ? TooLarge : Error)(reason(request, answer)))
    })
    request.addEventListener('error', () => reject(new Interrupted('The upload was interrupted.')))
    request.addEventListener('abort', () => reject(signal.reason))
    signal.addEventListener('abort', () => request.abort())
    request.open('PUT', `files/${encodeURIComponent(file.name)}?by=${encodeURIComponent(by)}`)
    request.send(file)
  })
}

function parsed({ responseText }) {
  try {
    return JSON.parse(responseText)
  } catch {
    return undefined
  }
}

/** In our own words where we have some: the server below the hub knows only the name of a status. */
function reason({ status, responseText }, answer) {
  if (EXPLAINED[status]) return EXPLAINED[status]
  const said =
    answer?.reason ?? answer?.error ?? answer?.message ?? (answer === undefined ? responseText.trim() : '')
  if (typeof said === 'string' && said !== '' && said.length <= 200 && !said.startsWith('<')) return said
  return `The hub answered ${status}.`
}
