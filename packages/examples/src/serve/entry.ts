import { formatSize } from '../size.ts'

/** One answer, as the log tells of it. */
export interface LogEntry {
  /** When the request came. */
  readonly time: Date
  /** The address that asked. */
  readonly client: string
  readonly user: string | undefined
  readonly method: string
  /** As it came. */
  readonly target: string
  /** Of the answer; of one that was cut undefined. */
  readonly status: number | undefined
  /** What the answer took, its head included; of one that was cut undefined. */
  readonly bytes: number | undefined
  /** Milliseconds. */
  readonly duration: number
}

/** How answers are told of. */
export type LogStyle = 'line' | 'common' | 'none'

/** Calm, for those who watch it: the time of day, who, what, and what became of it. */
export function calmLine(entry: LogEntry): string {
  const { time, client, user, method, status, bytes, duration } = entry
  const who = user === undefined ? client : `${user}@${client}`
  const result = status === undefined ? 'cut off' : `${status}`
  const size = bytes === undefined ? [] : [formatSize(bytes)]
  const clock = time.toTimeString().slice(0, 8)
  return [clock, who, method, legible(entry.target), result, ...size, took(duration)].join('  ')
}

/** The Common Log Format of NCSA httpd; `499`, as nginx has it, for whoever left. */
export function commonLine({ time, client, user, method, target, status, bytes }: LogEntry): string {
  const name = user === undefined ? '-' : user.replaceAll(/[\s"\\]/g, '_')
  const request = `${method} ${target} HTTP/1.1`.replaceAll(/["\\]/g, '\\$&')
  return `${client} - ${name} [${commonTime(time)}] "${request}" ${status ?? 499} ${bytes ?? '-'}`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function commonTime(time: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  const offset = -time.getTimezoneOffset()
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map(two)
  const date = [two(time.getDate()), months[time.getMonth()], time.getFullYear()].join('/')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${date}:${clock} ${offset < 0 ? '-' : '+'}${hours}${minutes}`
}

/** What a terminal would obey, or what turns text around; nothing of it is printed. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** The target as people write it, where that can be printed on one line. */
function legible(target: string): string {
  try {
    const text = decodeURI(target)
    return unprintable.test(text) || text.includes('  ') ? target : text
  } catch {
    return target
  }
}

function took(duration: number): string {
  if (duration < 9.95) return `${duration.toFixed(1)} ms`
  return duration < 1_000 ? `${Math.round(duration)} ms` : `${(duration / 1_000).toFixed(1)} s`
}
