/** The main process of Electron's documents as a page and an iframe in it find it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { checks, mainPages, mainScript } from '../support/main-process.js'

const browser = useChromium()
let host

// The next document of a tab may be long in coming on a busy machine.
before(async () => { host = await startHost(mainScript, 'limits = { grace = "1min" }', mainPages) })
after(() => host.stop())

/** A page, when it and the frame in it have heard of the host. */
async function open() {
  const page = await browser.open(`${host.url}/main.html`)
  await page.waitForFunction(() => window.run && window.frames.child?.ipchost)
  await page.evaluate(() => Promise.all([window, window.frames.child].map(({ ipchost }) => ipchost.ipcRenderer.invoke('heard'))))
  return page
}

// One page for all: opening it costs more than what it does.
test('a page with an iframe finds all that Node does', async () => {
  const page = await open()
  const run = (...args) => page.evaluate((call) => window.run(...call), args)
  for (const check of Object.values(checks)) await check(run)
})

test('an iframe that is taken away keeps its ids at the scripts, and all else says so', async () => {
  const page = await open()
  const { ids, token, ended } = await page.evaluate(async () => {
    const { ipcRenderer, renderer, webFrame } = window.frames.child.ipchost
    ipcRenderer.send('keep')
    await ipcRenderer.invoke('heard')
    document.querySelector('iframe').remove()
    return {
      ids: [renderer.processId, webFrame.routingId, renderer.processId, webFrame.routingId, renderer.webContentsId],
      token: webFrame.frameToken, ended: await window.ipchost.ipcRenderer.invoke('end of the kept'),
    }
  })
  assert.deepEqual(ended, {
    senderFrame: true, contents: false, ids, token, url: 'Render frame was disposed before WebFrameMain could be accessed', found: false,
    ...Object.fromEntries(['replied', 'sent', 'posted', 'toFrame'].map((key) => [key, [false, 'destroyed']])),
  })
})

test('pages are sent to by their ids, and one that the scripts close is destroyed', async () => {
  const page = await open()
  const other = await open()
  const ids = await other.evaluate(async () => {
    const { ipcRenderer, renderer, webFrame } = window.ipchost
    window.heard = new Promise((resolve) => {
      const heard = []
      for (const channel of ['from another', 'nobody', 'news']) ipcRenderer.on(channel, (_, what) => heard.push(what))
      ipcRenderer.on('news', () => resolve(heard))
    })
    ipcRenderer.send('keep')
    await ipcRenderer.invoke('heard')
    return [renderer.processId, webFrame.routingId, renderer.webContentsId]
  })
  const invoke = (...args) => page.evaluate((call) => window.ipchost.ipcRenderer.invoke(...call), args)
  const own = await page.evaluate(() => window.ipchost.renderer.webContentsId)
  assert.deepEqual(await invoke('send to another', ...ids), [true, false, false, true])
  assert.deepEqual(await other.evaluate(() => window.heard), [own, `of ${own}`])
  await invoke('close the kept')
  assert.equal(await other.evaluate(async () => (await window.ipchost.renderer.closed).code), 1000)
  const { contents, found, replied } = await invoke('end of the kept')
  assert.deepEqual([contents, found, replied], [true, false, [false, 'destroyed']])
  assert.deepEqual(await invoke('heard'), ['destroyed true'])
})

test('what a page says as it is left is heard from its frame, which is gone afterwards', async () => {
  const page = await open()
  const before = await page.evaluate(async () => {
    const { ipcRenderer, renderer, webFrame } = window.ipchost
    await ipcRenderer.invoke('hear last words')
    for (const event of ['beforeunload', 'pagehide']) addEventListener(event, () => ipcRenderer.send('last words', event))
    return { ids: [renderer.processId, webFrame.routingId], contents: renderer.webContentsId }
  })
  await page.goto(`${host.url}/main.html?next`)
  await page.waitForFunction(() => window.run && window.navigated)
  const after = await page.evaluate(() => window.ipchost.ipcRenderer.invoke('last words', 6))
  assert.deepEqual(after.words, ['beforeunload', 'pagehide'].flatMap((event) => ['frame', 'contents', 'ipcMain'].map((place) => `${place} ${event} true`)))
  assert.deepEqual({ ids: after.ids, contents: after.contents }, before)
  // The next document is found by what did-frame-navigate tells.
  assert.deepEqual(await page.evaluate(() => [...window.navigated, window.ipchost.renderer.webContentsId]),
    [true, true, await page.evaluate(() => window.ipchost.webFrame.routingId), before.contents])
})

test('documents without a URL of their own are of the origin of who made them', async () => {
  const page = await open()
  const abouts = await page.evaluate(async () => {
    const script = new URL('/ipchost/renderer.classic.js', location.href).href
    const places = [window.open('about:blank'), document.body.appendChild(document.createElement('iframe')).contentWindow]
    return Promise.all(places.map(async (place) => {
      const element = place.document.createElement('script')
      const loaded = new Promise((resolve) => { element.onload = resolve })
      element.src = script
      place.document.body.append(element)
      await loaded
      const { url, origin, main } = await place.ipchost.ipcRenderer.invoke('about')
      return { url, origin, main }
    }))
  })
  assert.deepEqual(abouts, [true, false].map((main) => ({ url: 'about:blank', origin: host.url, main })))
})
