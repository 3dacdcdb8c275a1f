/**
 * How the page stands with the host. A connection that is lost comes again by itself; where the host has ended it for good, this
 * asks until one answers and loads the page again. What is being written is kept by notes.js.
 */
import { renderer } from '/ipchost/renderer.js'

const TEXTS = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost, trying again' }
const FIRST_WAIT = 250
const LONGEST_WAIT = 5000

/** @param {'connecting' | 'live' | 'lost'} state */
function show(state) {
  const element = document.getElementById('connection')
  if (!element || element.dataset.state === state) return
  element.dataset.state = state
  element.textContent = TEXTS[state]
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function hostAnswers() {
  try {
    const response = await fetch(location.pathname, { method: 'HEAD', cache: 'no-store' })
    return response.ok
  } catch {
    return false
  }
}

async function comeBack() {
  show('lost')
  for (let wait = FIRST_WAIT; !(await hostAnswers()); wait = Math.min(wait * 2, LONGEST_WAIT)) {
    await pause(wait * (0.75 + Math.random() / 2))
  }
  location.reload()
}

/**
 * Calls `start` now, and again whenever the host does not know this page any more.
 * @param {() => void} start
 */
export function keepConnected(start) {
  renderer.on('connection', ({ state, resumed }) => {
    const again = document.getElementById('connection')?.dataset.state === 'lost'
    show(state === 'connected' ? 'live' : 'lost')
    if (state === 'connected' && again && !resumed) start()
  })
  renderer.closed.then(comeBack)
  start()
}
