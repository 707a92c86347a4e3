/** Keeps the event loop busy for 20 ms in every 200 ms. */
export function stalling() {
  setInterval(() => {
    const until = performance.now() + 20
    while (performance.now() < until);
  }, 200)
}
