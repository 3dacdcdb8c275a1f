/** What specs of sendSync do in Node, in pages and in their workers, as functions of ipcRenderer; the host runs `syncScript`. */

/** Numbers below one that is given, the same for the same seed (mulberry32). */
function randomOf(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Ways by which a value goes to the host and back. */
function waysOf(ipcRenderer) {
  const { port1, port2 } = new MessageChannel()
  ipcRenderer.postMessage('echo port', null, [port2])
  const echoed = () => new Promise((resolve) => { ipcRenderer.once('echoed', (event, value) => resolve(value)) })
  const ways = {
    invoke: (value) => ipcRenderer.invoke('echo', value),
    sendSync: (value) => ipcRenderer.sendSync('echo sync', value),
    send: (value) => { const answer = echoed(); ipcRenderer.send('echo back', value); return answer },
    postMessage: (value) => { const answer = echoed(); ipcRenderer.postMessage('echo back', value); return answer },
    ports: (value) => {
      const answer = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data) })
      port1.postMessage(value)
      return answer
    },
  }
  return { ways, close: () => port1.close() }
}

const sameBytes = (a, b) => b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i])

/** By name: what is sent, and whether what comes back is that. */
function payloadsOf(size) {
  const text = 'x'.repeat(size)
  const bytes = new Uint8Array(size).map((_, i) => i * 7)
  const nested = { deep: [{ text, bytes, list: [size, null] }] }
  const sameNested = ({ deep: [{ text: t, bytes: b, list }] }) => t === text && sameBytes(bytes, b) && list[0] === size && list[1] === null
  return {
    string: [text, (back) => back === text],
    bytes: [bytes, (back) => sameBytes(bytes, back)],
    nested: [nested, sameNested],
  }
}

export const tests = {
  answer: (ipcRenderer) => ipcRenderer.sendSync('synchronous-message', 'ping'),

  /** The names of what did not come back as it went. */
  async payloads(ipcRenderer, sizes) {
    const failed = []
    const { ways, close } = waysOf(ipcRenderer)
    for (const size of sizes) {
      for (const [shape, [value, same]] of Object.entries(payloadsOf(size))) {
        for (const [way, goes] of Object.entries(ways)) {
          if (!same(await goes(value))) failed.push(`${size} ${shape} ${way}`)
        }
      }
    }
    close()
    return failed
  },

  /** What arrived at another place than where it was sent. */
  async order(ipcRenderer, count, seed) {
    const random = randomOf(seed)
    const pending = []
    for (let i = 0; i < count; i++) {
      const kind = random(8)
      if (kind < 3) ipcRenderer.send('note', i)
      else if (kind < 5) pending.push(ipcRenderer.invoke('note', i))
      else if (kind < 6) ipcRenderer.postMessage('note', i)
      else ipcRenderer.sendSync('note sync', i)
      if (random(20) === 0) await ipcRenderer.invoke('echo')
    }
    await Promise.all(pending)
    const seen = await ipcRenderer.invoke('seen')
    return seen.length === count ? seen.filter((number, i) => number !== i) : seen
  },

  /** How many bytes of those sent before were there at each of two calls. */
  async bulk(ipcRenderer) {
    await ipcRenderer.invoke('echo')
    const text = 'x'.repeat(1024 * 1024)
    for (let i = 0; i < 32; i++) ipcRenderer.send('bulk', text)
    const first = ipcRenderer.sendSync('bulk sync')
    await ipcRenderer.invoke('echo')
    return [first, ipcRenderer.sendSync('bulk sync')]
  },
}
