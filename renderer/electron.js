/** What pages written for Electron import of it, under its names; for pages and workers. */
import { bridgeOf } from './context-bridge.js'
import { renderer } from './renderer.js'

export const ipcRenderer = renderer.ipcRenderer
export const webFrame = renderer.webFrame
export const contextBridge = bridgeOf(globalThis)
