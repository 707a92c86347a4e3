/**
 * The class of a disagreement, or undefined where both made the same of the bytes. The first message that differs
 * names it: what comes after that is a consequence.
 */
export function classify(ours, theirs) {
  for (let at = 0; ; at++) {
    const turned = turning(ours, theirs, at)
    if (turned !== undefined) return turned.class
    const our = verdict(ours, at)
    const their = verdict(theirs, at)
    if (our.kind === 'message' && their.kind === 'message') {
      const aspect = differing(our.message, their.message)
      if (aspect !== undefined) return aspect
      continue
    }
    if (our.kind === their.kind) return undefined
    if (our.kind === 'refused') return `we refuse, ${told(our)}; llhttp ${did(their, 's')}`
    if (their.kind === 'refused' && our.kind === 'nothing' && ours.messages[at - 1]?.last) {
      return 'llhttp refuses what stands behind the last message; we drop it'
    }
    if (their.kind === 'refused')
      return `llhttp refuses, ${told(their)}; we ${did(our, '')}${afterLast(ours, at)}`
    return our.kind === 'message'
      ? 'we find a message where llhttp finds none'
      : `llhttp finds a message where we find none${afterLast(ours, at)}`
  }
}

/** Where one of them, or both, stand at the door to another protocol: HTTP ends there, and so does the comparison. */
function turning(ours, theirs, at) {
  const our = ours.messages[at]
  const their = theirs.messages[at]
  if (our === undefined || their === undefined || (!our.switched && !their.switched)) return undefined
  if (!our.switched) return { class: `llhttp rests for another protocol, we go on: ${reasonToGoOn(our)}` }
  if (!their.switched) return { class: 'we rest for another protocol, llhttp goes on' }
  if (ours.error !== undefined)
    return { class: `we refuse, ${told(ours)}; llhttp rests for another protocol` }
  const heads = ['method', 'target', 'status', 'reason', 'minor', 'fields']
  const same = heads.every((part) => String(our[part]) === String(their[part])) && ours.rest === theirs.rest
  return {
    class: same ? undefined : 'both rest for another protocol, and differ in the head or in what stays',
  }
}

function reasonToGoOn({ asked, status, minor }) {
  if (asked === 'CONNECT') return status < 200 ? 'an interim response to CONNECT' : 'CONNECT was not granted'
  return minor === 0 ? 'Upgrade on HTTP/1.0' : 'Upgrade names no protocol'
}

function verdict({ messages, error, why }, at) {
  const message = messages[at]
  if (message !== undefined && (message.complete || message.interim)) return { kind: 'message', message }
  if (error !== undefined) return { kind: 'refused', error, why }
  return message === undefined
    ? { kind: 'nothing' }
    : { kind: 'refused', error: 'UNFINISHED', why: 'it stays without an end' }
}

function told({ error, why }) {
  return `${error} (${why})`
}

function did({ kind }, s) {
  return kind === 'message' ? `accept${s}` : `find${s} nothing`
}

function afterLast({ messages }, at) {
  return messages[at - 1]?.last ? ', behind the last message' : ''
}

function differing(our, their) {
  for (const part of ['method', 'target', 'status', 'reason', 'minor', 'body', 'interim']) {
    if (our[part] !== their[part]) return `both accept, and differ in the ${part}`
  }
  if (!sameList(our.fields, their.fields)) return 'both accept, and differ in the fields'
  if (!sameList(our.trailers, their.trailers)) return 'both accept, and differ in the trailers'
  return undefined
}

function sameList(one, other) {
  return one.length === other.length && one.every((text, at) => text === other[at])
}
