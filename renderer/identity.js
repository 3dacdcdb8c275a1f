/** Identity: who a session is to its host, what hello says of it, and what is said later when that changes. Knows no packet's bytes. */
import { MAIN_FRAME } from './frames.js'
import { KIND, PROTOCOL_VERSION } from './packet-layout.js'

export const LANE_MAIN = 0
export const LANE_SYNC = 1
export const FEATURE_RESUME = 1
/** Hello means a session that is there: where it is not, none is to be opened. */
const FEATURE_AGAIN = 2

export class Identity {
  /** @type {ArrayBuffer | undefined} the id of the host that welcomed this session, on whatever lane */
  host
  /** @type {import('./tickets.js').Ticket | undefined} below which frame the document is to be: said until the host knows it */
  place
  #engine
  #id
  #secret
  /** What the script's own options say. */
  #options
  /** @type {import('./page-tab.js').Tab | undefined} the tab of the browser, if this session speaks for it */
  #tab
  /** @type {{ tab?: string, handover?: boolean } | undefined} */
  #ofTab
  /** @type {{ stop: () => void } | undefined} */
  #watch

  /**
   * @param {import('./connect.js').Engine} engine
   * @param {Record<string, unknown>} options
   */
  constructor(engine, options) {
    this.#engine = engine
    this.#options = options
    this.#id = engine.randomBytes(16)
    this.#secret = engine.randomBytes(16)
  }

  /**
   * @param {string} address of the host
   * @param {(kind: number, items: Record<string, unknown>, details: Record<string, unknown>) => void} tell
   */
  begin(address, tell) {
    this.#tab = this.#engine.tab?.(address)
    this.#ofTab = this.#tab?.details()
    this.#watch = this.#engine.watch?.((navigated, changes) => this.#changed(navigated, changes, tell))
  }

  /**
   * @param {ArrayBuffer} host
   * @param {string | undefined} tab by what the host finds it from now on
   */
  welcomed(host, tab) {
    this.host = host
    this.place = undefined
    if (tab) this.#tab?.keep(tab)
    this.#ofTab = this.#tab?.details()
  }

  /** Another document may have had the tab meanwhile. */
  wake() {
    this.#ofTab = this.#tab?.details()
  }

  end() {
    this.#tab?.release()
    this.#watch?.stop()
  }

  /**
   * What is said of the main frame is another now; what the options say stays.
   * @param {boolean} navigated
   * @param {Record<string, unknown>} changes
   * @param {(kind: number, items: Record<string, unknown>, details: Record<string, unknown>) => void} tell
   */
  #changed(navigated, changes, tell) {
    const details = Object.fromEntries(Object.entries(changes).filter(([name]) => !(name in this.#options)))
    if (navigated && 'url' in details) tell(KIND.FRAME_NAVIGATE, { frame: MAIN_FRAME, inPage: true }, details)
    else if (Object.keys(details).length > 0) tell(KIND.FRAME_UPDATE, { frame: MAIN_FRAME }, details)
  }

  /** Another session: no host knows it. */
  renew() {
    this.#id = this.#engine.randomBytes(16)
    this.#secret = this.#engine.randomBytes(16)
    this.host = undefined
  }

  /**
   * The items of hello.
   * @param {object} link what it is said on, and where the session is
   * @param {number} link.lane
   * @param {number} link.sent
   * @param {number} link.received
   * @param {boolean} link.resumable
   * @param {boolean} link.placed whether a new session would have to be asked a place for
   */
  hello({ lane, sent, received, resumable, placed }) {
    const features = (resumable ? FEATURE_RESUME : 0) + (placed && this.host && lane === LANE_MAIN ? FEATURE_AGAIN : 0)
    return { version: PROTOCOL_VERSION, features, id: this.#id, secret: this.#secret, lane, sent, received }
  }

  /**
   * Its details: who was welcomed before says by whom, and needs no proof of where it was served, which is good once.
   * @returns {Record<string, unknown>}
   */
  get details() {
    /** @type {Record<string, unknown>} */
    const { proof, ...all } = { type: 'native', ...this.#engine.details(), ...this.#options, ...this.#ofTab }
    if (this.host) return { ...all, host: this.host }
    return proof === undefined ? { ...all, ...this.place } : { ...all, proof, ...this.place }
  }

  /** @param {ArrayBuffer | undefined} host whether it is the one */
  isKnownTo(host) {
    return this.host !== undefined && host !== undefined && String(new Uint8Array(this.host)) === String(new Uint8Array(host))
  }
}
