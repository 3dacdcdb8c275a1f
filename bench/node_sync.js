/**
 * sendSync of one Node process beside invoke, one at a time. Usage: node node_sync.js ADDRESS COUNT
 * Prints `first_ms=... sync_us=... invoke_us=...`: the first sendSync, which starts a worker, and the medians.
 */
import { connect } from '../renderer/index.js'

const [address, count] = [process.argv[2], Number(process.argv[3])]
const renderer = await connect(address)
const { ipcRenderer } = renderer
await ipcRenderer.invoke('echo', 0)

/** @param {number[]} times */
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1]

/** Of one call, in microseconds. */
function sync() {
  const begin = performance.now()
  if (ipcRenderer.sendSync('echo', 7) !== 7) throw new Error('another value came back')
  return (performance.now() - begin) * 1000
}

async function invoke() {
  const begin = performance.now()
  if ((await ipcRenderer.invoke('echo', 7)) !== 7) throw new Error('another value came back')
  return (performance.now() - begin) * 1000
}

const first = sync()
const syncs = [], invokes = []
for (let i = 0; i < count; i++) syncs.push(sync())
for (let i = 0; i < count; i++) invokes.push(await invoke())
console.log(`first_ms=${(first / 1000).toFixed(1)} sync_us=${median(syncs).toFixed(1)} invoke_us=${median(invokes).toFixed(1)}`)
renderer.close()
