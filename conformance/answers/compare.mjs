// Where the others answer another way than ours, and why.

/** Of an answer that is no 2xx or 304 only these tell something: the page that comes with it is the server's own. */
const telling = new Set(['Status', 'Content-Range', 'Location', 'Allow'])

/** Differences of another's answers from ours: `{ id, section, server, field, ours, theirs }`. */
export function differencesOf(rows) {
  return rows.flatMap(({ id, section, answers: { Fairlead, ...others } }) =>
    Object.entries(others).flatMap(([server, answer]) =>
      fieldsThatDiffer(Fairlead, answer).map((field) => ({
        id,
        section,
        server,
        field,
        ours: Fairlead[field],
        theirs: answer[field],
      })),
    ),
  )
}

/** Where the status is another, all that follows from it is as well. */
function fieldsThatDiffer(ours, theirs) {
  if (ours.Status !== theirs.Status) return ['Status']
  const whole = ours.Status.startsWith('2') || ours.Status === '304'
  const fields = Object.keys({ ...ours, ...theirs }).filter((field) => whole || telling.has(field))
  return fields.filter((field) => ours[field] !== theirs[field])
}

/** The first reason that holds for a difference, or undefined. */
export function reasonFor(difference, reasons) {
  return reasons.find((reason) => holds(reason, difference))
}

/** `server`, `field`, `ours` and `theirs` say of which it holds, `on` of which requests or sections: one, or some. */
function holds({ server, field, ours, theirs, on }, it) {
  const among = (wanted, ...values) =>
    wanted === undefined || [wanted].flat().some((value) => values.includes(value))
  return (
    among(server, it.server) &&
    among(field, it.field) &&
    among(ours, it.ours ?? null) &&
    among(theirs, it.theirs ?? null) &&
    among(on, it.id, it.section)
  )
}

/** What is wrong with the reasons: differences without one, and reasons without a difference. */
export function complaints(rows, reasons) {
  const used = new Set()
  const unexplained = []
  for (const difference of differencesOf(rows)) {
    const reason = reasonFor(difference, reasons)
    if (reason) used.add(reason)
    else unexplained.push(difference)
  }
  const asked = new Set(rows.flatMap(({ answers }) => Object.keys(answers)))
  const idle = reasons.filter((reason) => !used.has(reason) && (!reason.server || asked.has(reason.server)))
  return [
    ...unexplained.map(
      ({ id, server, field, ours, theirs }) =>
        `not explained: ${id}: ${field} is ${ours ?? 'missing'}, with ${server} ${theirs ?? 'missing'}`,
    ),
    ...idle.map((reason) => `explains nothing: ${JSON.stringify(reason)}`),
  ]
}
