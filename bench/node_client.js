/**
 * One Node client of the package, `window` invokes in flight. Usage: node node_client.js ADDRESS COUNT WINDOW
 * Prints `invokes=... rate=... client_us=...`, the last being the client's own CPU per invoke.
 */
import { connect } from '../renderer/index.js'

const [address, count, window] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const renderer = await connect(address)
const { ipcRenderer } = renderer

/** Keeps `window` calls in flight until `total` have been answered. */
async function run(total) {
  let left = total
  const lane = async () => {
    while (left-- > 0) {
      if ((await ipcRenderer.invoke('echo', 7)) !== 7) throw new Error('another value came back')
    }
  }
  await Promise.all(Array.from({ length: window }, lane))
}

await run(Math.ceil(count / 4))
const cpu = process.cpuUsage()
const begin = process.hrtime.bigint()
await run(count)
const seconds = Number(process.hrtime.bigint() - begin) / 1e9
const { user, system } = process.cpuUsage(cpu)
console.log(`invokes=${count} rate=${Math.round(count / seconds)} client_us=${((user + system) / count).toFixed(4)}`)
renderer.close()
