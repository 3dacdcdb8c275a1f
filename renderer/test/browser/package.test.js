/** The package in Chromium: pages of modules and of the classic script, a worker, and who is refused. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'

const script = `
ipcMain.handle("echo", function(_, value) return value end)
ipcMain.handle("who", function(event)
  local frame = event.senderFrame
  return { url = frame.url, origin = frame.origin, name = frame.name, title = event.sender:getTitle(), processId = event.processId, frameId = event.frameId, id = event.sender.id }
end)
ipcMain.handle("fail", function() error({ name = "NoteError", message = "no such note", code = "ERR_NOTE", data = { id = 7 } }) end)
ipcMain.handle("never", function() return Promise.new(function() end) end)
ipcMain.on("push", function(event, ...) event.reply(...) end)
ipcMain.on("tell all", function(_, ...)
  for _, contents in ipairs(webContents.getAllWebContents()) do contents:send("told", ...) end
end)
`

const browser = useChromium()
let host

before(async () => { host = await startHost(script, '', pages) })
after(() => host.stop())

async function open(name, options) {
  const page = await browser.open(`${host.url}/${name}`, options)
  await page.waitForFunction(() => window.ipchost && window.difference)
  return page
}

for (const kind of ['module', 'classic']) {
  describe(`messages of a ${kind} page`, () => {
    test('invokes', async () => {
      const page = await open(`${kind}.html`)
      assert.deepEqual(await page.evaluate(() => window.ipchost.ipcRenderer.invoke('echo', { a: [1, 'two', null] })), { a: [1, 'two', null] })
      assert.deepEqual(await page.evaluate(async () => {
        const calls = Array.from({ length: 500 }, (_, i) => window.ipchost.ipcRenderer.invoke('echo', i))
        return (await Promise.all(calls)).every((value, i) => value === i)
      }), true)
    })

    test('sends, and hears what is pushed, in order', async () => {
      const page = await open(`${kind}.html`)
      assert.deepEqual(await page.evaluate(() => new Promise((resolve) => {
        const { ipcRenderer } = window.ipchost
        const heard = []
        ipcRenderer.on('pushed', (event, number) => {
          heard.push(number, event.sender === ipcRenderer, event.ports.length)
          if (number === 3) resolve(heard)
        })
        for (const number of [1, 2, 3]) ipcRenderer.send('push', 'pushed', number)
      })), [1, true, 0, 2, true, 0, 3, true, 0])
    })

    test('hears an answer and the messages around it in order', async () => {
      const page = await open(`${kind}.html`)
      assert.deepEqual(await page.evaluate(async () => {
        const { ipcRenderer } = window.ipchost
        const heard = []
        ipcRenderer.on('pushed', (_, text) => heard.push(text))
        ipcRenderer.send('push', 'pushed', 'before')
        const first = ipcRenderer.invoke('echo', 'answer').then((text) => heard.push(text))
        ipcRenderer.send('push', 'pushed', 'between')
        const second = ipcRenderer.invoke('echo', 'last').then((text) => heard.push(text))
        await Promise.all([first, second])
        return heard
      }), ['before', 'answer', 'between', 'last'])
    })
  })

  describe(`calls of a ${kind} page that fail`, () => {
    test('gets errors with their name, code and data', async () => {
      const page = await open(`${kind}.html`)
      const failure = (channel) => page.evaluate(async (name) => {
        const error = await window.ipchost.ipcRenderer.invoke(name).catch((reason) => reason)
        return { error: error instanceof Error, name: error.name, message: error.message, code: error.code, data: error.data }
      }, channel)
      assert.deepEqual(await failure('fail'), {
        error: true, name: 'NoteError', message: "Error invoking remote method 'fail': NoteError: no such note", code: 'ERR_NOTE', data: { id: 7 },
      })
      assert.deepEqual(await failure('nowhere'), {
        error: true, name: 'Error', message: "Error invoking remote method 'nowhere': Error: No handler registered for 'nowhere'", code: 'ERR_NO_HANDLER', data: undefined,
      })
    })

    test('gives calls up', async () => {
      const page = await open(`${kind}.html`)
      const names = await page.evaluate(async () => {
        const { ipcRenderer } = window.ipchost
        const late = await ipcRenderer.with({ timeout: 1 }).invoke('never').catch((error) => error.name)
        const controller = new AbortController()
        const aborted = ipcRenderer.with({ signal: controller.signal }).invoke('never').catch((error) => error.name)
        controller.abort()
        return [late, await aborted]
      })
      assert.deepEqual(names, ['TimeoutError', 'AbortError'])
    })
  })

  describe(`the session of a ${kind} page`, () => {
    test('says who it is', async () => {
      const page = await open(`${kind}.html`)
      const { routingId, frameToken, processId, webContentsId, who } = await page.evaluate(async () => {
        const { ipcRenderer, renderer, webFrame } = window.ipchost
        const answer = await ipcRenderer.invoke('who')
        return { ...webFrame, processId: renderer.processId, webContentsId: renderer.webContentsId, who: answer }
      })
      assert.deepEqual(who, {
        url: `${host.url}/${kind}.html`, origin: host.url, name: '', title: await page.title(), processId, frameId: routingId, id: webContentsId,
      })
      assert.match(frameToken, /./)
      assert.deepEqual(await page.evaluate(() => Object.keys(window.ipchost.webFrame).map((name) => Reflect.set(window.ipchost.webFrame, name, 0))), [false, false])
    })

    test('is another renderer once it is loaded again', async () => {
      const page = await open(`${kind}.html`)
      const who = () => page.evaluate(() => window.ipchost.ipcRenderer.invoke('who'))
      const before = await who()
      await page.reload()
      await page.waitForFunction(() => window.ipchost)
      assert.notEqual((await who()).processId, before.processId)
    })

    test('ends its session, and says so', async () => {
      const page = await open(`${kind}.html`)
      assert.deepEqual(await page.evaluate(async () => {
        const { ipcRenderer, renderer } = window.ipchost
        const states = []
        renderer.on('connection', ({ state }) => states.push(state))
        await ipcRenderer.invoke('echo')
        const pending = ipcRenderer.invoke('never').catch((error) => error.code)
        renderer.close()
        const sent = await ipcRenderer.invoke('echo').catch((error) => error.message)
        return { closed: await renderer.closed, states, pending: await pending, sent }
      }), { closed: { code: 1000, reason: '' }, states: ['connected', 'closed'], pending: 'ERR_CLOSED', sent: 'IPC method called after context was released' })
    })
  })
}

describe('two pages', () => {
  test('are renderers of their own, and both hear what is told to all', async () => {
    const all = [await open('module.html'), await open('classic.html')]
    await Promise.all(all.map((page) => page.evaluate(() => new Promise((resolve) => {
      window.told = new Promise((tell) => { window.ipchost.ipcRenderer.once('told', (_, text) => tell(text)) })
      resolve(window.ipchost.ipcRenderer.invoke('echo'))
    }))))
    const ids = await Promise.all(all.map((page) => page.evaluate(() => window.ipchost.renderer.processId)))
    assert.notEqual(ids[0], ids[1])
    await all[0].evaluate(() => window.ipchost.ipcRenderer.send('tell all', 'hello'))
    assert.deepEqual(await Promise.all(all.map((page) => page.evaluate(() => window.told))), ['hello', 'hello'])
  })
})

test('a worker is a renderer of its own', async () => {
  const page = await open('module.html')
  const who = await page.evaluate(() => new Promise((resolve) => {
    const worker = new Worker('worker.js', { type: 'module', name: 'counter' })
    worker.onmessage = ({ data }) => resolve(data)
    worker.postMessage(['who'])
  }))
  assert.equal(who.url, `${host.url}/worker.js`)
  assert.equal(who.name, 'counter')
  assert.notEqual(who.processId, await page.evaluate(() => window.ipchost.ipcRenderer.invoke('who').then(({ processId }) => processId)))
})

test('a page of another origin is refused', async () => {
  const other = await startHost('', '', { ...pages, 'module.html': pages['module.html'].replace("'self'", '*') })
  try {
    browser.expect(/403/)
    const page = await browser.open(`${other.url}/module.html`)
    await page.waitForFunction(() => window.ipchost)
    const failure = await page.evaluate((address) => window.ipchost.connect(address).catch(({ code, message }) => ({ code, message })), host.address.ws)
    assert.deepEqual(failure, {
      code: 'ERR_CLOSED', message: `Cannot connect to ${host.address.ws}/ipchost: it is not running, or it refuses this page; its log says which`,
    })
    await host.waitLog(new RegExp(`403.*'${other.url}'.*security\\.origins`))
  } finally {
    await browser.closePages()
    await other.stop()
  }
})
