let second = NaN
let text = ''

/**
 * The time as an IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT`, for a Date field (RFC 9110 section 5.6.7).
 * Made once a second: `now` is in milliseconds since the epoch.
 */
export function httpDate(now: number = Date.now()): string {
  const asked = Math.floor(now / 1000)
  if (asked !== second) {
    text = new Date(asked * 1000).toUTCString()
    second = asked
  }
  return text
}
