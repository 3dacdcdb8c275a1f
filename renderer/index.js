/** ipchost for Node: what a script imports. Connects at first use, to $IPCHOST_ADDRESS. */
import { connectWith } from './connect.js'
import { defaultAddress, nodeEngine } from './node-engine.js'
import { Renderer } from './renderer-frame.js'
import { Session } from './session.js'

/**
 * @param {string} address
 * @param {import('./connect.js').ConnectOptions} [options]
 * @returns {Promise<Renderer>}
 */
export function connect(address, options) {
  return connectWith(nodeEngine, address, options)
}

/** @type {Renderer} */
export const renderer = new Renderer(new Session(nodeEngine, defaultAddress, {}))
export const ipcRenderer = renderer.ipcRenderer
export const webFrame = renderer.webFrame
