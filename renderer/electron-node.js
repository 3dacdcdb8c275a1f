/** What renderers written for Electron import of it, under its names; for Node. */
import { bridgeOf } from './context-bridge.js'
import { renderer } from './index.js'

export const ipcRenderer = renderer.ipcRenderer
export const webFrame = renderer.webFrame
export const contextBridge = bridgeOf(globalThis)
