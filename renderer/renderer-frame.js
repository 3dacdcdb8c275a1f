/** Renderer: one frame of a session as a script has it. The main frame's stands for the session. */
import { EventEmitter } from './emitter.js'
import { codedError } from './errors.js'
import { IpcRenderer } from './ipc-renderer.js'

/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./session.js').Closed} Closed */

/**
 * @typedef {object} Endpoint what a frame does when the host speaks to it
 * @property {number} parent
 * @property {(channel: string, args: any[], ports: any[]) => boolean} deliver whether somebody listened
 * @property {(channel: string, args: any[]) => import('./answers.js').Work | undefined} work
 * @property {Record<string, unknown>} [details] what a child frame claims
 * @property {(frame: any, resumed: boolean) => void} opened the host knows the frame; undefined: as before
 * @property {() => void} lost the connection, which may come again
 * @property {(closed: Closed, error?: Error) => void} ended
 */
/** @typedef {{ url?: string, name?: string, title?: string }} Claim */

const MAIN = 0
const CLAIMS = ['url', 'name', 'title']

/**
 * @param {Record<string, unknown>} options
 * @param {string[]} names
 * @returns {Record<string, string>} those of the options that are set
 */
export function textsOf(options, names = CLAIMS) {
  /** @type {Record<string, string>} */
  const texts = {}
  for (const name of names) {
    const value = options[name]
    if (value === undefined) continue
    if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
    texts[name] = value
  }
  return texts
}

/**
 * What an object has now, and nobody can set.
 * @template {object} T
 * @param {T} source
 * @returns {Readonly<T>}
 */
function readOnly(source) {
  /** @type {PropertyDescriptorMap} */
  const properties = {}
  for (const name of Object.keys(source)) properties[name] = { enumerable: true, get: () => Reflect.get(source, name) }
  return Object.defineProperties(/** @type {any} */ ({}), properties)
}

export class Renderer extends EventEmitter {
  #session
  #number = MAIN
  #ipcRenderer
  /** @type {{ routingId: number | undefined, frameToken: string | undefined }} */
  #ids = { routingId: undefined, frameToken: undefined }
  #webFrame = readOnly(this.#ids)
  /** @type {(renderer: Renderer) => void} */
  #opened = () => {}
  /** @type {(error: Error) => void} */
  #failed = () => {}
  /** @type {(closed: Closed) => void} */
  #ended = () => {}
  #opening

  /** @type {Promise<Closed>} */
  closed = new Promise((resolve) => { this.#ended = resolve })

  /**
   * @param {Session} session
   * @param {{ parent: number, details: Record<string, string> }} [child] a frame to open; the main one otherwise
   */
  constructor(session, child) {
    super()
    this.#session = session
    this.#ipcRenderer = new IpcRenderer(session, () => this.#number)
    this.#opening = new Promise((resolve, reject) => {
      this.#opened = resolve
      this.#failed = reject
    })
    this.#opening.catch(() => {})
    const endpoint = this.#endpoint(child?.parent ?? MAIN)
    if (child) this.#number = session.openFrame(endpoint, child.details)
    else session.attach(endpoint)
  }

  /**
   * @param {number} parent
   * @returns {Endpoint}
   */
  #endpoint(parent) {
    return {
      parent,
      deliver: (channel, args, ports) => this.#ipcRenderer.deliver(channel, args, ports),
      work: (channel, args) => this.#ipcRenderer.work(channel, args),
      opened: (frame, resumed) => {
        // Its frame-opened is still to come.
        if (!frame && this.#ids.routingId === undefined) return
        if (frame) Object.assign(this.#ids, { routingId: frame.routingId, frameToken: frame.frameToken })
        this.#opened(this)
        this.emit('connection', { state: 'connected', resumed })
      },
      lost: () => this.emit('connection', { state: 'lost', resumed: false }),
      ended: (closed, error) => {
        this.#failed(error ?? codedError('ERR_CLOSED', `the frame was closed (${closed.code})`))
        this.#ended(closed)
        this.emit('connection', { state: 'closed', resumed: false })
      },
    }
  }

  /**
   * Resolves when the host knows the frame; the process waits for that.
   * @returns {Promise<Renderer>}
   * @internal
   */
  async opening() {
    this.#session.holds(1)
    try {
      return await this.#opening
    } finally {
      this.#session.holds(-1)
    }
  }

  get ipcRenderer() {
    return this.#ipcRenderer
  }

  get webFrame() {
    return this.#webFrame
  }

  get webContentsId() {
    return this.#session.webContentsId
  }

  get processId() {
    return this.#session.processId
  }

  /**
   * @param {Claim} [claim]
   * @returns {Promise<Renderer>} a child frame of this one
   */
  async createFrame(claim = {}) {
    return new Renderer(this.#session, { parent: this.#number, details: textsOf(claim) }).opening()
  }

  /** Ends the frame and those below it; the main one's ends the session. */
  close() {
    this.#session.close(this.#number)
  }
}
