// The part of docs/FILES.md that a run makes.

import { differencesOf, reasonFor } from './compare.mjs'

const begin = '<!-- answers: made by `npm run conformance:answers -- --write` -->'
const end = '<!-- end of answers -->'

/** The page with another table in it. */
export function withTable(page, table) {
  const { before, after } = around(page)
  return `${before}${begin}\n\n${table}\n${end}${after}`
}

/** The table that a page holds. */
export function tableIn(page) {
  return around(page).table
}

function around(page) {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error('Cannot find the table: its marks are missing')
  return {
    before: page.slice(0, from),
    table: page.slice(from + begin.length, to).trim(),
    after: page.slice(to + end.length),
  }
}

/** The cells of all tables, by request and by the name of their column. */
export function cellsOf(table) {
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const [names] = rows
  return new Map(
    rows
      .filter(([first]) => first.startsWith('`'))
      .map(([request, ...cells]) => [
        request,
        Object.fromEntries(cells.map((cell, at) => [names[at + 1], cell])),
      ]),
  )
}

/** Markdown: a table for each section, of ours whole, of the others what differs; then the reasons. */
export function tableOf(rows, reasons) {
  const differences = differencesOf(rows)
  const numbered = reasons.filter(({ throughout }) => !throughout)
  const numberOf = (difference) => {
    const reason = reasonFor(difference, reasons)
    return reason?.throughout ? 0 : numbered.indexOf(reason) + 1
  }
  const others = Object.keys(rows[0].answers).slice(1)
  const lines = []
  for (const section of new Set(rows.map((row) => row.section))) {
    const cells = rows
      .filter((row) => row.section === section)
      .map(({ id, answers }) => {
        const its = differences.filter((it) => it.id === id && numberOf(it) > 0)
        const why = new Set(its.map(numberOf).toSorted((a, b) => a - b))
        return [
          code(id),
          whole(answers.Fairlead),
          ...others.map((server) =>
            told(
              answers[server],
              its.filter((it) => it.server === server),
            ),
          ),
          [...why].join(', '),
        ]
      })
    lines.push(`### ${section}`, '', ...padded([['Request', 'Fairlead', ...others, 'Why'], ...cells]), '')
  }
  lines.push('### Why they differ', '')
  lines.push(...numbered.map(({ why }, at) => `${at + 1}. ${why}`), '')
  lines.push('Throughout, and not told in the tables:', '')
  lines.push(...reasons.filter(({ throughout }) => throughout).map(({ why }) => `- ${why}`))
  return `${lines.join('\n')}\n`
}

/** An answer, header by header. */
function whole({ Status, Body, ...fields }) {
  return [Status, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), `Body: ${Body}`]
    .map(plain)
    .join('<br>')
}

/** Of another's answer, what is not as in ours. */
function told(answer, differences) {
  if (differences.length === 0) return 'the same'
  if (differences[0].field === 'Status') {
    const { Status, Body, Location } = answer
    return [Status, ...(Location ? [`Location: ${Location}`] : []), `Body: ${Body}`].map(plain).join('<br>')
  }
  return differences
    .map(({ field, theirs }) => plain(theirs === undefined ? `no ${field}` : `${field}: ${theirs}`))
    .join('<br>')
}

const plain = (text) => text.replaceAll(/[\\|*_`<]/g, '\\$&')

/** A backtick is in no request. */
const code = (text) => `\`${text.replaceAll('|', '\\|')}\``

function padded(rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length), 3))
  const line = (cells, fill = ' ') =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at], fill)).join(' | ')} |`
  const [head, ...body] = rows.map((row) => line(row))
  return [
    head,
    line(
      rows[0].map(() => ''),
      '-',
    ),
    ...body,
  ]
}
