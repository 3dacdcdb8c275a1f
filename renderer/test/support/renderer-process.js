/** What Electron's documents of the renderer's side state, in Node and in pages; the host runs spec/functional/renderer_process.lua. */

const failure = async (fn) => {
  try {
    await fn()
    return 'none'
  } catch ({ name, message }) {
    return `${name}: ${message}`
  }
}

/** The next event on a channel, with what came in `data`. */
const next = (emitter, channel) => new Promise((resolve) => {
  emitter.once(channel, (event, data) => resolve({ ...event, data }))
})

export const statements = {
  /** docs/api/ipc-renderer.md: on, off, once, addListener, removeListener, removeAllListeners. */
  async listeners({ ipcRenderer }) {
    const heard = []
    const names = [ipcRenderer.eventNames()]
    const note = (name) => (event, ...args) => heard.push([name, event.sender === ipcRenderer, event.ports.length, ...args])
    const say = (...args) => {
      ipcRenderer.send('push', ...args)
      return ipcRenderer.invoke('turn')
    }
    const [a, b] = [note('a'), note('b')]
    ipcRenderer.on('x', a).addListener('x', b).once('x', note('once'))
    await say('x', 1, 'two')
    ipcRenderer.off('x', a)
    await say('x', 2)
    ipcRenderer.removeListener('x', b)
    await say('x', 3)
    ipcRenderer.on('y', a).on('y', b).on('z', b)
    ipcRenderer.removeAllListeners('y')
    names.push(ipcRenderer.eventNames())
    await say('y', 4)
    await say('z', 5)
    ipcRenderer.removeAllListeners()
    names.push(ipcRenderer.eventNames())
    await say('z', 6)
    return { heard, names }
  },

  /** What is sent: functions, promises, symbols, weak collections and ports throw by every way but one; classes stay behind. */
  async values({ ipcRenderer }) {
    const { port1 } = new MessageChannel()
    const wrong = [() => {}, Promise.resolve(), Symbol('s'), new WeakMap(), new WeakSet(), port1]
    const ways = {
      send: (value) => ipcRenderer.send('push', value),
      sendSync: (value) => ipcRenderer.sendSync('push sync', value),
      invoke: (value) => ipcRenderer.invoke('turn', value),
      postMessage: (value) => ipcRenderer.postMessage('push', value),
    }
    const refusals = {}
    for (const [name, way] of Object.entries(ways)) refusals[name] = await Promise.all(wrong.map((value) => failure(() => way(value))))
    port1.close()
    class Point { x = 1; get y() { return 2 } method() {} }
    return { refusals, keys: await ipcRenderer.invoke('keys', Object.assign(new Point(), { z: 3 })) }
  },

  /** postMessage without ports, and with what is none. */
  async posts({ ipcRenderer }) {
    const counted = next(ipcRenderer, 'counted')
    ipcRenderer.postMessage('count ports', 'counted')
    const wrong = [[new ArrayBuffer(10)], [null], [5], 5]
    return [(await counted).data, ...await Promise.all(wrong.map((list) => failure(() => ipcRenderer.postMessage('push', '', list))))]
  },

  /** sendSync blocks: what comes meanwhile is heard afterwards. */
  async blocks({ ipcRenderer }) {
    const heard = []
    ipcRenderer.on('meanwhile', (event, text) => heard.push(text))
    heard.push(ipcRenderer.sendSync('push sync', 'meanwhile'))
    await ipcRenderer.invoke('turn')
    return heard
  },

  /** The error of a handler is not the same here. */
  refusal: ({ ipcRenderer }) => failure(() => ipcRenderer.invoke('refuse')),

  /** docs/tutorial/message-ports.md: what was posted before the port was sent, and reply streams that are closed or collected. */
  async streams({ ipcRenderer }) {
    const heard = next(ipcRenderer, 'heard')
    const { port1, port2 } = new MessageChannel()
    port2.postMessage({ answer: 42 })
    ipcRenderer.postMessage('port', null, [port1])
    const results = [(await heard).data]
    for (const closes of [true, false]) {
      results.push(await new Promise((resolve) => {
        const channel = new MessageChannel()
        const data = []
        ipcRenderer.postMessage('give-me-a-stream', { element: 7, count: 10, closes }, [channel.port2])
        channel.port1.onmessage = (event) => data.push(event.data)
        channel.port1.addEventListener('close', () => resolve(data.join('')))
      }))
    }
    port2.close()
    return results
  },

  /** A renderer that works for others, two that are joined, and a port that comes with a message. */
  async channels({ ipcRenderer, other }) {
    other.ipcRenderer.on('new-client', ({ ports: [port] }) => {
      port.onmessage = ({ data }) => port.postMessage(data * 2)
    })
    const provided = next(ipcRenderer, 'provide-worker-channel')
    ipcRenderer.send('request-worker-channel', other.webContentsId)
    const [port] = (await provided).ports
    const doubled = new Promise((resolve) => { port.onmessage = ({ data }) => resolve(data) })
    port.postMessage(21)
    const results = [await doubled]
    const joined = [next(ipcRenderer, 'joined'), next(other.ipcRenderer, 'joined')]
    ipcRenderer.send('join', other.webContentsId)
    const [mine, theirs] = (await Promise.all(joined)).map(({ ports }) => ports[0])
    const pinged = new Promise((resolve) => { theirs.onmessage = ({ data }) => resolve(data) })
    mine.postMessage('ping')
    results.push(await pinged)
    const given = next(ipcRenderer, 'main-world-port')
    const answered = next(ipcRenderer, 'from renderer main world')
    ipcRenderer.send('main world')
    const [main] = (await given).ports
    main.onmessage = ({ data }) => main.postMessage(data.test * 2)
    results.push((await answered).data)
    for (const each of [port, mine, theirs, main]) each.close()
    return results
  },

  /** Nothing can be sent any longer. It closes the renderer. */
  async released({ ipcRenderer, renderer }) {
    renderer.close()
    return Promise.all(['send', 'sendSync', 'postMessage', 'invoke'].map((name) => failure(() => ipcRenderer[name]('push', 1))))
  },
}

const KINDS = ['function', 'Promise', 'symbol', 'WeakMap', 'WeakSet', 'MessagePort']
const refusalsAt = (path) => KINDS.map((kind) => `DataCloneError: An object could not be cloned: ${path} (${kind})`)
const INVALID = 'TypeError: Invalid value for transfer'
const RELEASED = 'Error: IPC method called after context was released'

/** What they give, by name. */
export const stated = {
  listeners: {
    heard: [['a', true, 0, 1, 'two'], ['b', true, 0, 1, 'two'], ['once', true, 0, 1, 'two'], ['b', true, 0, 2], ['b', true, 0, 5]],
    names: [[], ['z'], []],
  },
  values: {
    refusals: {
      send: refusalsAt('args[0]'), sendSync: refusalsAt('args[0]'), invoke: refusalsAt('args[0]'), postMessage: refusalsAt('message'),
    },
    keys: ['x', 'z'],
  },
  posts: [0, INVALID, INVALID, INVALID, INVALID],
  blocks: ['answer', 'before the answer'],
  refusal: "TypeError: Error invoking remote method 'refuse': TypeError: no",
  streams: [42, '7777777777', '7777777777'],
  channels: [42, 'ping', 42],
  released: [RELEASED, RELEASED, RELEASED, RELEASED],
}
