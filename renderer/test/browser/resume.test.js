/** Pages in Chromium whose connection is lost, or whose host is started anew. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CuttingProxy } from '../support/cutting-proxy.js'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'

const SCRIPT = `
local notes, waiting = {}, nil
ipcMain.on("note", function(_, text) notes[#notes + 1] = text end)
ipcMain.on("sync", function(event) event.returnValue = #notes end)
ipcMain.handle("notes", function() return ipc.Array { table.unpack(notes) } end)
ipcMain.handle("id", function(event) return event.sender.id end)
ipcMain.handle("never", function() async.sleep(600000) end)
ipcMain.handle("wait", function()
  local answer
  answer, waiting = Promise.withResolvers()
  return answer
end)
ipcMain.on("answer", function(event, value)
  waiting(value)
  event.reply("told", value)
end)
`
const browser = useChromium()
const proxy = new CuttingProxy()
let host

async function start() {
  host = await startHost(SCRIPT, proxy.security, pages)
  proxy.target = host.address.ws
}

before(async () => {
  await proxy.listen()
  await start()
})
after(async () => {
  await host.stop()
  proxy.close()
})

async function open(name, by = proxy) {
  const page = await browser.open(`http://127.0.0.1:${by.port}/${name}`)
  await page.waitForFunction(() => window.ipchost)
  await page.evaluate(() => {
    const { ipcRenderer, renderer } = window.ipchost
    window.states = []
    window.told = []
    renderer.on('connection', ({ state, resumed }) => window.states.push(resumed ? 'resumed' : state))
    ipcRenderer.on('told', (_, value) => window.told.push(value))
    return ipcRenderer.invoke('id')
  })
  return page
}

for (const name of ['module.html', 'classic.html']) {
  test(`${name} goes on after a cut`, async () => {
    const page = await open(name)
    const id = await page.evaluate(() => {
      window.pending = window.ipchost.ipcRenderer.invoke('wait')
      return window.ipchost.ipcRenderer.invoke('id')
    })
    proxy.cut()
    await page.waitForFunction(() => window.states.includes('lost'))
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      ipcRenderer.send('answer', 'late')
      const before = ipcRenderer.sendSync('sync')
      return [await window.pending, await ipcRenderer.invoke('id'), window.told, window.states, before]
    }), ['late', id, ['late'], ['connected', 'lost', 'resumed'], 0])
  })
}

test('a page goes on with another session after a restart of its host', async () => {
  // While there is no host, the browser itself says so.
  browser.expect(/WebSocket connection to/)
  const page = await open('module.html')
  await page.evaluate(() => { window.pending = window.ipchost.ipcRenderer.invoke('wait').catch((error) => error.code) })
  await host.stop()
  await page.waitForFunction(() => window.states.includes('lost'))
  await start()
  await page.waitForFunction(() => window.states.at(-1) === 'connected')
  const answer = await page.evaluate(async () => [await window.pending, await window.ipchost.ipcRenderer.invoke('id') === window.ipchost.renderer.webContentsId, window.states])
  assert.deepEqual(answer.slice(0, 2), ['ERR_CLOSED', true])
  assert.deepEqual(answer[2], ['connected', 'lost', 'connected'])
})

test('a page and its frame that come too late are one contents again', async () => {
  const late = await startHost(SCRIPT, `${proxy.security}, limits = { resume = "200ms" }`, {
    ...pages,
    'framed.html': pages['module.html'].replace('</html>', '<iframe name="below" src="classic.html"></iframe></html>'),
  })
  try {
    proxy.target = late.address.ws
    browser.expect(/WebSocket connection to/)
    const page = await browser.open(`http://127.0.0.1:${proxy.port}/framed.html`)
    const both = [page, page.frame('below')]
    for (const each of both) await each.waitForFunction(() => window.ipchost)
    const watched = await Promise.all(both.map((each) => each.evaluate(async () => {
      const { ipcRenderer, renderer } = window.ipchost
      const id = await ipcRenderer.invoke('id')
      window.pending = ipcRenderer.invoke('never').catch(({ message }) => message)
      window.again = new Promise((resolve) => renderer.on('connection', ({ state, resumed }) => { if (state === 'connected') resolve(resumed) }))
      return id
    })))
    assert.equal(watched[0], watched[1])
    proxy.target = undefined
    proxy.cut()
    for (const each of both) assert.match(await each.evaluate(() => window.pending), /did not come again in time/)
    proxy.target = late.address.ws
    const now = await Promise.all(both.map((each) => each.evaluate(async () => [await window.again, await window.ipchost.ipcRenderer.invoke('id')])))
    assert.deepEqual(now[0], now[1])
    assert.equal(now[0][0], false)
  } finally {
    await browser.closePages()
    proxy.target = host.address.ws
    await late.stop()
  }
})

test('a page that blocks for long after its first sendSync has nothing dispatched twice', async () => {
  const hasty = await startHost(SCRIPT, 'limits = { handshake = "1s" }', pages)
  const page = await browser.open(`${hasty.url}/module.html`)
  await page.waitForFunction(() => window.ipchost)
  const [heard, notes] = await page.evaluate(async () => {
    const { ipcRenderer } = window.ipchost
    ipcRenderer.send('note', 'once')
    const count = ipcRenderer.sendSync('sync')
    for (const until = Date.now() + 3000; Date.now() < until;);
    return [count, await ipcRenderer.invoke('notes').catch(() => ipcRenderer.invoke('notes'))]
  })
  assert.deepEqual([heard, notes], [1, ['once']])
  await browser.closePages()
  await hasty.stop()
})

test('a page that hears nothing on a connection gives that up, and not its session', async () => {
  const silent = await new CuttingProxy().listen()
  const patient = await startHost(SCRIPT, `${silent.security}, limits = { resume = "60s" }`, pages)
  silent.target = patient.address.ws
  const page = await open('module.html', silent)
  await page.evaluate(() => { window.answer = window.ipchost.ipcRenderer.invoke('wait') })
  await page.evaluate(() => window.ipchost.ipcRenderer.invoke('id'))
  const silence = new Promise((resolve) => { silent.onsilence = resolve })
  silent.cut()
  await silence
  await page.waitForFunction(() => window.states.length === 3)
  assert.deepEqual(await page.evaluate(() => window.states), ['connected', 'lost', 'resumed'])
  assert.equal(await page.evaluate(() => {
    window.ipchost.ipcRenderer.send('answer', 'still waited for')
    return window.answer
  }), 'still waited for')
  await page.close()
  await patient.stop()
  silent.close()
})
