/** The sessions of a listener by remote address; and how many of them share a host. */
export class SessionTable<S> {
  readonly #hosts = new Map<string, Map<number, S>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  find(host: string, port: number): S | undefined {
    return this.#hosts.get(host)?.get(port)
  }

  countAt(host: string): number {
    return this.#hosts.get(host)?.size ?? 0
  }

  add(host: string, port: number, session: S): void {
    let ports = this.#hosts.get(host)
    if (!ports) this.#hosts.set(host, (ports = new Map()))
    ports.set(port, session)
    this.#size++
  }

  delete(host: string, port: number): void {
    const ports = this.#hosts.get(host)
    if (!ports?.delete(port)) return
    this.#size--
    if (ports.size === 0) this.#hosts.delete(host)
  }
}
