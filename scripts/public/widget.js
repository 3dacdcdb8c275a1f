/** The widget: a frame that is a renderer of its own. It asks scripts/widget.lua again and again, and draws how long that takes. */
import { ipcRenderer } from '/ipchost/renderer.js'
import { Chart } from './chart.js'
import { bytes, milliseconds } from './format.js'

const PERIOD = 1000
const KEPT = 60

const part = (id) => document.getElementById(id)
const chart = new Chart(part('chart'), { label: 'Time of a round trip', unit: 0.5, format: milliseconds })
const times = []

async function beat() {
  const before = performance.now()
  const { at, pages, frames, memory } = await ipcRenderer.invoke('widget:beat')
  times.push(performance.now() - before)
  if (times.length > KEPT) times.shift()
  show(at, pages, frames, memory)
}

function show(at, pages, frames, memory) {
  const sorted = [...times].sort((a, b) => a - b)
  const small = document.createElement('small')
  small.textContent = `ms · half of them within ${milliseconds(sorted[Math.floor(sorted.length / 2)])}`
  part('reading').replaceChildren(times.at(-1).toFixed(2), small)
  part('clock').textContent = at.toLocaleTimeString()
  part('pages').textContent = String(pages)
  part('frames').textContent = String(frames)
  part('memory').textContent = bytes(memory)
  chart.draw([times], KEPT, `${(KEPT * PERIOD) / 1000} s`)
}

// The first one connects as well, so it is not counted.
// The page around it says when the connection is lost, and brings both back.
async function run() {
  await ipcRenderer.invoke('widget:beat')
  for (;;) {
    await beat()
    await new Promise((resolve) => setTimeout(resolve, PERIOD))
  }
}

run().catch((error) => {
  if (error.code !== 'ERR_CLOSED') throw error
})
