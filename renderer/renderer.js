/** ipchost for pages and workers: what a host serves. Connects at first use, to the host that this script came from. */
import { addressOfOrigin, browserEngine } from './browser-engine.js'
import { connectWith } from './connect.js'
import { Renderer } from './renderer-frame.js'
import { Session } from './session.js'

/**
 * @param {string} address
 * @param {import('./connect.js').ConnectOptions} [options]
 * @returns {Promise<Renderer>}
 */
export function connect(address, options) {
  return connectWith(browserEngine, address, options)
}

/** @type {Renderer} */
export const renderer = new Renderer(new Session(browserEngine, () => addressOfOrigin(import.meta.url), {}))
export const ipcRenderer = renderer.ipcRenderer
export const webFrame = renderer.webFrame
