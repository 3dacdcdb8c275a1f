/**
 * PageTab: which tab of the browser this document is in, towards one host. It is known by a token that documents of one origin
 * keep for the next one, and by a mark with which the one that goes tells the next that it goes. Knows no packet.
 */

const TAB = 'ipchost tab'
const LEFT = 'ipchost left'
const TOKEN_BYTES = 16
/** How long a mark means anything, in ms: a copy of the storage may have an old one. */
const LEFT_LIFE = 10000

/** Addresses of hosts to which a session of this document speaks for the tab. */
const taken = new Set()

/** @typedef {PageTab} Tab */

/**
 * The tab, for the session that speaks for it: the first to the address, in a document at the top, where the page may keep anything.
 * @param {string} address
 * @returns {PageTab | undefined}
 */
export function takeTab(address) {
  if (typeof document !== 'object' || window.top !== window || taken.has(address)) return undefined
  try {
    return new PageTab(sessionStorage, address)
  } catch {
    return undefined
  }
}

function newToken() {
  return Array.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

class PageTab {
  #storage
  #address
  #leave = () => this.#mark()

  /**
   * @param {Storage} storage
   * @param {string} address
   */
  constructor(storage, address) {
    this.#storage = storage
    this.#address = address
    this.keep(this.#token ?? newToken())
    taken.add(address)
    addEventListener('pagehide', this.#leave)
  }

  get #token() {
    return this.#storage.getItem(`${TAB} ${this.#address}`)
  }

  /**
   * What hello says of the tab. The mark is taken away: it was for this document.
   * @returns {{ tab: string, handover: boolean } | undefined}
   */
  details() {
    const key = `${LEFT} ${this.#address}`
    const left = Number(this.#storage.getItem(key))
    this.#storage.removeItem(key)
    const tab = this.#token
    return tab === null ? undefined : { tab, handover: Math.abs(Date.now() - left) < LEFT_LIFE }
  }

  /**
   * By what the host finds the tab from now on.
   * @param {string} token
   */
  keep(token) {
    if (token !== this.#token) this.#storage.setItem(`${TAB} ${this.#address}`, token)
  }

  #mark() {
    try {
      this.#storage.setItem(`${LEFT} ${this.#address}`, String(Date.now()))
    } catch {
      // The storage is full: the host finds out by itself that this document has gone.
    }
  }

  /** Another session may speak for the tab. */
  release() {
    taken.delete(this.#address)
    removeEventListener('pagehide', this.#leave)
  }
}
