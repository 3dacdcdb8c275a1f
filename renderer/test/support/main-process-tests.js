/**
 * What specs ask of the main process that Electron's documents describe, in Node and in pages, as functions of a main frame's renderer
 * and of one below it: each `{ ipcRenderer, webFrame, renderer, MessageChannel }`. The host runs spec/functional/main_process.lua.
 */

const heardAt = (frame) => frame.ipcRenderer.invoke('heard')

/** What a call rejects with or throws. */
async function failure(call) {
  try {
    return { value: await call() }
  } catch ({ message }) {
    return message
  }
}

/** What comes on all channels but the last, up to that: channel, arguments, and what each port is. */
function collect({ ipcRenderer }, channels, last) {
  const got = []
  for (const channel of channels) {
    ipcRenderer.on(channel, (event, ...args) => got.push([channel, ...args, ...event.ports.map((port) => port.constructor.name)]))
  }
  return new Promise((resolve) => {
    ipcRenderer.once(last, () => {
      for (const channel of channels) ipcRenderer.removeAllListeners(channel)
      resolve(got)
    })
  })
}

/** The ways by which the scripts send to the frame, and to the main frame. */
const toFrame = ['event.reply', 'sendToFrame', 'sendToFrame of a process', 'frame.send', 'frame.postMessage', 'fromId', 'fromFrameToken']
const toMain = ['contents.send', 'contents.postMessage', 'contents.postMessage with a port']

const CHANNELS = ['dialog:openFile', ' ', '', 'error', 'then', 'on', '__proto__', 'constructor', 'zażółć 😀', 'a\0b', '%s %n', 'x'.repeat(5000)]

export const tests = {
  /** What each kind of message of one of the frames set off. */
  async delivery(main, child, ofChild) {
    const frame = ofChild ? child : main
    const { ipcRenderer, MessageChannel } = frame
    await ipcRenderer.invoke('listen')
    const answers = ['ipc-message-sync', 'frame', 'contents', 'ipcMain', 'all'].map((place) => ipcRenderer.sendSync('where', place))
    await heardAt(frame)
    ipcRenderer.send('where', 'sent', 1)
    ipcRenderer.sendSync('where', 'ipcMain', true)
    ipcRenderer.postMessage('where', 'posted', [new MessageChannel().port1])
    const heard = await heardAt(frame)
    await ipcRenderer.invoke('unlisten')
    return { answers, heard }
  },

  /** Who answers an invoke of the main frame, and one of the frame below it, as handlers come and go. */
  async handlers(main, child) {
    const all = []
    const ask = async () => { all.push(await failure(() => main.ipcRenderer.invoke('who', 1)), await failure(() => child.ipcRenderer.invoke('who', 2))) }
    for (const [place, how] of [
      ['ipcMain', 'handle'], ['contents', 'handle'], ['frame', 'handle'], ['frame', 'removeHandler'], ['contents', 'removeHandler'],
      ['frame', 'handleOnce'], ['ipcMain', 'removeHandler'],
    ]) {
      await main.ipcRenderer.invoke('scope', place, how)
      await ask()
    }
    return all
  },

  async registrations(main) {
    const { ipcRenderer } = main
    const heard = []
    const say = async (text) => {
      for (const channel of ['kept', 'other']) ipcRenderer.send(channel, text)
      heard.push(await heardAt(main))
    }
    await ipcRenderer.invoke('register')
    await say('a')
    await say('b')
    await ipcRenderer.invoke('removeAllListeners', 'kept')
    await say('c')
    await ipcRenderer.invoke('removeAllListeners', 'other')
    return heard
  },

  /** The channels that do not go both ways. */
  async channels({ ipcRenderer }) {
    const wrong = []
    for (const channel of CHANNELS) {
      await ipcRenderer.invoke('answer on', channel)
      const replied = new Promise((resolve) => ipcRenderer.once(channel, (event, value) => resolve(value)))
      ipcRenderer.send(channel, 'sent')
      if (await ipcRenderer.invoke(channel, 'invoked') !== 'invoked' || await replied !== 'sent') wrong.push(channel)
      await ipcRenderer.invoke('silence', channel)
    }
    return wrong
  },

  /** What the event of each kind of message tells: of an invoke, and of those that tell something else. */
  async event(main, child, ofChild) {
    const { ipcRenderer, webFrame, renderer, MessageChannel } = ofChild ? child : main
    const replied = () => new Promise((resolve) => ipcRenderer.once('about', (event, about) => resolve(about)))
    const invoked = await ipcRenderer.invoke('about')
    const synchronous = replied()
    const all = [ipcRenderer.sendSync('about'), await synchronous]
    const sent = replied()
    ipcRenderer.send('about')
    all.push(await sent)
    const posted = replied()
    ipcRenderer.postMessage('about', null, [new MessageChannel().port1])
    const { ports, ...rest } = await posted
    all.push({ ...rest, ports: ports - 1 })
    const text = (about) => JSON.stringify(Object.entries(about).sort())
    const { processId, webContentsId } = renderer
    return { invoked, others: all.filter((about) => text(about) !== text(invoked)), ids: { ...webFrame, processId, webContentsId } }
  },

  /** What the scripts send to one of the frames as that asks: what came there, and at the main frame. */
  async sending(main, child, fromChild) {
    const asking = fromChild ? child : main
    const got = [main, child].map((frame) => collect(frame, [...toFrame, ...toMain], 'end'))
    asking.ipcRenderer.send('send back', 'first', [2, null])
    return Promise.all(got)
  },

  /** What values and arguments are refused with, and what came nevertheless. */
  async refused(main) {
    const { ipcRenderer } = main
    const came = []
    for (const channel of ['refused', '']) ipcRenderer.on(channel, () => came.push(channel))
    const plain = new Promise((resolve) => ipcRenderer.once('plain', (event, value) => resolve(value)))
    const { refused, misused } = await ipcRenderer.invoke('refused')
    for (const channel of ['refused', '']) ipcRenderer.removeAllListeners(channel)
    return { refused: [...new Set(refused)], count: refused.length, misused, plain: await plain, came }
  },

  /** What invokes give by what the handler does that is there once, and what is there then. */
  async answers({ ipcRenderer }) {
    const all = []
    const ask = (...args) => failure(() => ipcRenderer.invoke(...args))
    const note = async (...args) => { all.push(await ask(...args)) }
    await note('test')
    for (const kind of ['value', 'promise', 'later', 'raises', 'raises_later', 'rejects', 'never']) {
      await ipcRenderer.invoke('handle', kind, true)
      all.push(...await Promise.all([ask('test', kind), ask('test', kind)]))
    }
    await ipcRenderer.invoke('handle', 'value')
    await note('test', 1)
    await note('test', 2)
    await note('handle', 'promise')
    await ipcRenderer.invoke('removeHandler')
    await ipcRenderer.invoke('removeHandler')
    await note('test', 3)
    await note('handle', 'none')
    return all
  },
}
