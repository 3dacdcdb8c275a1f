/** What Electron's documents state of the main process, as Node and pages find it: the host's script, pages, and what must hold. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { pages } from './pages.js'

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8')

export const mainScript = read('../../../spec/functional/main_process.lua')

const VALUES = '<script type="module" src="values.js"></script>\n'

/** By name: main.html has a frame `child`, and window.run(name, ...args) for both. */
export const mainPages = {
  'module.js': pages['module.js'],
  'icon.svg': pages['icon.svg'],
  'child.html': pages['module.html'].replace(VALUES, ''),
  'main.html': pages['module.html'].replace(VALUES, '<body><script type="module" src="main.js"></script></body>\n'),
  'main.js': `import { tests } from './main-process-tests.js'
window.ipchost.ipcRenderer.on('navigated', (_, ...args) => { window.navigated = args })
// By now the page is a renderer, which gives it its place.
document.body.append(Object.assign(document.createElement('iframe'), { name: 'child', src: 'child.html', title: 'child' }))
const frameOf = ({ ipchost, MessageChannel }) => ({ ...ipchost, MessageChannel })
window.run = (name, ...args) => tests[name](frameOf(window), frameOf(window.frames.child), ...args)
`,
  'main-process-tests.js': read('main-process-tests.js'),
}

const NO_HANDLER = "Error invoking remote method 'who': Error: No handler registered for 'who'"

/** What is posted passes the contents by: Electron's `ipc-message` is for send alone. */
const passing = (place) => [
  'ipc-message sent 1', `${place} sent 1`, 'contents sent 1', 'ipcMain sent 1',
  'ipc-message-sync ipcMain true', `${place} ipcMain true`, 'contents ipcMain true', 'ipcMain ipcMain true',
  `${place} posted`, 'contents posted', 'ipcMain posted',
]

function sentTo(frame, main) {
  const args = ['first', [2, null]]
  const ofFrame = [
    ['event.reply', ...args], ['sendToFrame', ...args], ['sendToFrame of a process', ...args], ['frame.send', ...args],
    ['frame.postMessage', 'first', 'MessagePort', 'MessagePort'], ['fromId', ...args], ['fromFrameToken', ...args],
  ]
  const ofMain = [['contents.send', ...args], ['contents.postMessage', 'first'], ['contents.postMessage with a port', 'first', 'MessagePort']]
  if (frame !== main) return { main: ofMain, child: ofFrame }
  return { main: [ofFrame[0], ofMain[0], ...ofFrame.slice(1, 3), ...ofMain.slice(1), ...ofFrame.slice(3)], child: [] }
}

const cannotBeCloned = (root, kind) => `DataCloneError: An object could not be cloned: ${root}.list[1] (${kind})`

/**
 * What holds of a main frame and one below it, by what it is; `run(name, ...args)` runs one of main-process-tests.js.
 * @type {Record<string, (run: (name: string, ...args: any[]) => Promise<any>) => Promise<void>>}
 */
export const checks = {
  async 'messages pass the frame, the contents and ipcMain, in this order, and the first answers'(run) {
    for (const [ofChild, place] of [[false, 'frame'], [true, 'frame']]) {
      const { answers, heard } = await run('delivery', ofChild)
      assert.deepEqual(answers, ['ipc-message-sync', 'frame', 'contents', 'ipcMain', 'ipc-message-sync'])
      assert.deepEqual(heard, passing(place))
    }
  },

  async 'the first handler of the frame, the contents and ipcMain answers'(run) {
    const by = (place, n) => ({ value: [place, n] })
    assert.deepEqual(await run('handlers'), [
      by('ipcMain', 1), by('ipcMain', 2), by('contents', 1), by('contents', 2), by('frame', 1), by('contents', 2), by('contents', 1),
      by('contents', 2), by('ipcMain', 1), by('ipcMain', 2), by('frame', 1), by('ipcMain', 2), NO_HANDLER, NO_HANDLER,
    ])
  },

  async 'listeners come and go as they are registered'(run) {
    assert.deepEqual(await run('registrations'), [
      ['first a', 'twice a', 'twice a', 'once a', 'other a'], ['first b', 'twice b', 'twice b', 'other b'], ['other c'],
    ])
  },

  async 'channels are named as one likes, and go both ways'(run) {
    assert.deepEqual(await run('channels'), [])
  },

  async 'the event of every kind of message tells who sent it'(run) {
    const [main, child] = [await run('event', false), await run('event', true)]
    for (const { invoked, others, ids } of [main, child]) {
      assert.deepEqual(others, [])
      const { processId, frameId, node, url, origin, name, title, ...rest } = invoked
      const top = main.invoked.frameId
      const below = [child.invoked.frameId]
      const isMain = frameId === top
      assert.deepEqual(rest, {
        type: 'frame', ports: 0, id: ids.webContentsId, main: isMain, gone: false, ofContents: main.invoked.processId, pid: true,
        routingId: frameId, token: ids.frameToken, process: processId, ofNode: node, state: 'visible', detached: false, destroyed: false,
        top, parent: isMain ? 0 : top, frames: isMain ? below : [], subtree: isMain ? [top, ...below] : below, own: true, found: true,
        none: true, all: rest.all, created: [top, ...below],
      })
      assert.deepEqual([processId, frameId], [ids.processId, ids.routingId])
      assert.ok(rest.all.includes(ids.webContentsId))
      assert.ok(url.startsWith(`${origin}/`) || url === origin, `${url} of ${origin}`)
    }
    assert.equal(main.ids.webContentsId, child.ids.webContentsId)
    assert.notEqual(main.invoked.node, child.invoked.node)
    assert.notEqual(main.ids.frameToken, child.ids.frameToken)
    assert.equal(child.invoked.name, 'child')
  },

  async 'what is sent to a frame comes there, and what is sent to the contents at its main frame'(run) {
    for (const ofChild of [false, true]) {
      const { main, child } = sentTo(ofChild ? 'child' : 'main', 'main')
      assert.deepEqual(await run('sending', ofChild), [main, child])
    }
  },

  async 'what cannot be cloned or is misused is refused where it is sent'(run) {
    const { refused, count, misused, plain, came } = await run('refused')
    const kinds = ['function', 'coroutine', 'Promise', 'ipchost.webContents', 'IpcMainEvent']
    assert.deepEqual(refused, kinds.flatMap((kind) => [cannotBeCloned('args[2]', kind), cannotBeCloned('message', kind)]))
    assert.equal(count, 7 * kinds.length)
    const posts = [
      'Insufficient number of arguments', 'Error processing argument at index 0, conversion failure from nil',
      'Insufficient number of arguments', 'Invalid value for transfer', 'Invalid value for transfer', 'Invalid value for transfer',
      'Port at index 1 is a duplicate', 'Port at index 0 is already neutered', 'Missing required channel argument',
    ]
    const frame = 'Missing required frame argument (must be number or [processId, frameId])'
    assert.deepEqual(misused, [...posts, ...posts, frame, frame, ...Array(2).fill('Missing required channel argument')])
    assert.deepEqual(plain, { own: 1 })
    assert.deepEqual(came, [])
  },

  async 'invokes are answered as the handler does'(run) {
    const error = (text) => `Error invoking remote method 'test': ${text}`
    const none = error("Error: No handler registered for 'test'")
    assert.deepEqual(await run('answers'), [
      none, { value: 'value' }, none, { value: 'promise' }, none, { value: 'later' }, none, error('Error: some error'), none,
      error('Error: some error'), none, error('TypeError: no such thing'), none, error('Error: reply was never sent'), none,
      { value: 1 }, { value: 2 }, "Error invoking remote method 'handle': Error: Attempted to register a second handler for 'test'", none,
      "Error invoking remote method 'handle': Error: Expected handler to be a function, but found type 'nil'",
    ])
  },
}
