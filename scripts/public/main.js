/** The page: connects, then shows the figures and the notes. */
import { ipcRenderer } from '/ipchost/renderer.js'
import { keepConnected } from './connection.js'
import { Figures } from './figures.js'
import { listenToKeys } from './keys.js'
import { Notes } from './notes.js'

const figures = new Figures()
const notes = new Notes()
const keys = /** @type {HTMLDialogElement} */ (document.getElementById('keys'))

/** A connection that ends is shown by connection.js; all else is a mistake to see in the console. */
const unlessClosed = (error) => {
  if (error.code !== 'ERR_CLOSED') throw error
}

listenToKeys({ n: () => notes.write(), '/': () => notes.find(), '?': () => keys.showModal() })
document.getElementById('show-keys').addEventListener('click', () => keys.showModal())

// A change of the pages' own files, with `dev` and `watch` in the config. What is being written is kept by notes.js.
ipcRenderer.on('ipchost:public-changed', () => location.reload())

const start = () => {
  figures.subscribe().catch(unlessClosed)
  notes.refresh()
}

keepConnected(start)
// Scripts that were loaded anew know nobody who had subscribed.
ipcRenderer.on('ipchost:reloaded', start)
