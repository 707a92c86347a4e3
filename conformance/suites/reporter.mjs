// Tells of each test of node:test in a line of JSON: when it begins, how it ends, and when none is left.

export default async function* report(events) {
  const names = []
  let left = 0
  for await (const { type, data } of events) {
    const { name, nesting = 0, details, skip, todo } = data ?? {}
    if (type === 'test:enqueue' && nesting === 0) left++
    if (type === 'test:start') {
      names.length = nesting
      names[nesting] = name
      yield line({ type: 'start', name: names.join(' › ') })
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue
    names.length = nesting
    const whole = [...names, name].join(' › ')
    const failed = type === 'test:fail' && todo === undefined
    const status = skip !== undefined || todo !== undefined ? 'skipped' : failed ? 'failed' : 'passed'
    const error = details?.error?.cause ?? details?.error
    const message = failed ? String(error?.message ?? error).trim() : ''
    yield line({ type: 'end', name: whole, status, message, suite: details?.type === 'suite' })
    if (nesting === 0 && --left === 0) yield line({ type: 'idle' })
  }
}

const line = (object) => `${JSON.stringify(object)}\n`
