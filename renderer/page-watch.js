/**
 * PageWatch: what changes of a document that its host was told of: its URL, its title, the name of its window, whether it is seen.
 * Knows no packet.
 */

/**
 * @callback Tell
 * @param {boolean} navigated whether it is at another URL, or at the same one anew, without being another document
 * @param {Record<string, string>} changes
 */

export class PageWatch {
  #state
  #tell
  #told
  #observer = new MutationObserver(() => this.#update())
  #ends = new AbortController()

  /**
   * @param {() => Record<string, string>} state
   * @param {Tell} tell
   */
  constructor(state, tell) {
    this.#state = state
    this.#tell = tell
    this.#told = state()
    const { signal } = this.#ends
    const { navigation } = /** @type {any} */ (globalThis)
    document.addEventListener('visibilitychange', () => this.#update(), { signal })
    if (document.head) this.#observer.observe(document.head, { childList: true, characterData: true, subtree: true })
    if (navigation) {
      navigation.addEventListener('currententrychange', (/** @type {any} */ event) => this.#moved(event), { signal })
    } else {
      for (const name of ['popstate', 'hashchange']) addEventListener(name, () => this.#followed(), { signal })
    }
  }

  /** What is another than was told; it is told now. */
  #changes() {
    const state = this.#state()
    const changes = Object.fromEntries(Object.entries(state).filter(([name, value]) => this.#told[name] !== value))
    this.#told = state
    return changes
  }

  #update() {
    const changes = this.#changes()
    if (Object.keys(changes).length > 0) this.#tell(false, changes)
  }

  /** @param {{ navigationType: string | null }} event which has no type where only the entry's state has changed */
  #moved({ navigationType }) {
    if (navigationType === null) return
    const changes = this.#changes()
    this.#tell(true, { ...changes, url: this.#told.url })
  }

  /** Browsers without the Navigation API tell of one step by two events, and of pushState by none. */
  #followed() {
    if (this.#state().url === this.#told.url) return
    this.#tell(true, this.#changes())
  }

  stop() {
    this.#observer.disconnect()
    this.#ends.abort()
  }
}
