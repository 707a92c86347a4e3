// What clients tell, in one form for all of them.

/** Text of one byte a character, as bytes. */
export const latin1 = (text) => (text === undefined ? undefined : Buffer.from(text, 'latin1'))

/** The pieces of a body; an error among them is thrown. */
export async function* bytesOf(pieces) {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece
    yield Buffer.from(piece, 'latin1')
  }
}

/** Lines of the same name joined (RFC 9110 section 5.3), names in lower case. */
export function joined(headers) {
  const all = Object.create(null)
  for (const [name, value] of Object.entries(headers ?? {}))
    all[name.toLowerCase()] = [value].flat().join(', ')
  return all
}

/** A call that failed. `reason` is that of the signal, if it had one. */
export function failure(error, reason) {
  const causes = []
  for (let it = error; it instanceof Error && causes.length < 5; it = it.cause)
    causes.push(`${it.code ?? it.name}: ${it.message}`)
  const { code, phase, retryable, reused, bytesWritten, attempts } = error ?? {}
  return {
    error: causes.join(' < ') || String(error),
    facts: {
      name: error?.name,
      code,
      phase,
      retryable,
      reused,
      bytesWritten,
      attempts,
      reason: error === reason,
    },
  }
}

/** Reads a body into its report; an error in it cuts it there. */
export async function textOf(body, report, { leave, onPiece, reason }) {
  try {
    for await (const piece of body) {
      report.body += Buffer.from(piece).toString('latin1')
      onPiece()
      if (leave === 'cancel') return report
    }
    return report
  } catch (error) {
    return Object.assign(report, failure(error, reason), { cut: true })
  }
}
