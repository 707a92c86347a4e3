/** Storage can be switched off, full or forbidden, and even naming it may throw: then the page just forgets. */
function guarded(kind) {
  return {
    get(key) {
      try {
        return window[kind].getItem(key) ?? ''
      } catch {
        return ''
      }
    },
    set(key, value) {
      try {
        window[kind].setItem(key, value)
      } catch {}
    },
  }
}

export const thisBrowser = guarded('localStorage')
export const thisTab = guarded('sessionStorage')
