/** Types of ipchost/electron: what a page written for Electron imports of it. */
export { ipcRenderer, webFrame } from './index.js'
export type { IpcRenderer, IpcRendererEvent, WebFrame } from './index.js'

export interface ContextBridge {
  /**
   * Sets a property of the global object that cannot be changed. Objects and arrays are copied and frozen, without their
   * classes; what structured clone knows is cloned; functions and promises stay what they are. Throws where there is such a property already.
   */
  exposeInMainWorld(apiKey: string, api: unknown): void
}

export const contextBridge: ContextBridge
