const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const LONG_DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** `Sun, 06 Nov 1994 08:49:37 GMT`, what is sent today. */
const fixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
/** `Sunday, 06-Nov-94 08:49:37 GMT`, of RFC 850. */
const rfc850 = /^([A-Z][a-z]{2,5}day), (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/
/** `Sun Nov  6 08:49:37 1994`, of asctime(). */
const asctime = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/

/**
 * A date of a field in one of the three forms that have to be read (RFC 9110 section 5.6.7), in milliseconds since the
 * epoch; undefined for anything else, a day of the week that it was not and a list of dates included.
 *
 * @param now decides the century of a year of two digits
 */
export function parseHttpDate(text: string, now: number = Date.now()): number | undefined {
  const date = fixdate.test(text) ? text : (fromRfc850(text, now) ?? fromAsctime(text))
  if (date === undefined) return undefined
  const time = Date.parse(date)
  // What is written back differs where the day, the month or the hour was none, or none of that week.
  return Number.isNaN(time) || new Date(time).toUTCString() !== date ? undefined : time
}

function fromRfc850(text: string, now: number): string | undefined {
  const [, name, day, month, year, time] = rfc850.exec(text) ?? []
  const weekday = DAYS[LONG_DAYS.indexOf(name ?? '')]
  if (weekday === undefined) return undefined
  const century = Math.floor(new Date(now).getUTCFullYear() / 100)
  const of = (hundreds: number): string => `${weekday}, ${day} ${month} ${hundreds}${year} ${time} GMT`
  const limit = new Date(now)
  limit.setUTCFullYear(limit.getUTCFullYear() + 50)
  // More than 50 years ahead is the past (RFC 9110 section 5.6.7), and 49 years behind may be the future.
  const candidates = [century + 1, century, century - 1]
  const nearest = candidates.find((hundreds) => Date.parse(of(hundreds)) <= limit.getTime())
  return nearest === undefined ? undefined : of(nearest)
}

function fromAsctime(text: string): string | undefined {
  const [, weekday, month, day, time, year] = asctime.exec(text) ?? []
  return day === undefined ? undefined : `${weekday}, ${day.replace(' ', '0')} ${month} ${year} ${time} GMT`
}
