/** The identity of a tab in Chromium: over reloads and navigation, in copies of the tab, and in the browser's cache of pages. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'

const script = `
  local events = {}
  local function path(url) return url:match("^%a+://[^/]*(.*)") end
  app.on("web-contents-created", function(_, contents)
    local function note(name, url) events[#events + 1] = { id = contents.id, text = name .. " " .. path(url) } end
    contents:on("did-navigate", function(_, url) note("did-navigate", url) end)
    contents:on("did-navigate-in-page", function(_, url) note("in-page", url) end)
  end)
  ipcMain.handle("identity", function(event)
    local frame = event.senderFrame
    return { id = event.sender.id, process = event.processId, frame = event.frameId, node = event.frameTreeNodeId, top = frame.parent == nil,
      count = #webContents.getAllWebContents() }
  end)
  ipcMain.handle("events", function(event)
    local own = ipc.Array {}
    for _, each in ipairs(events) do if each.id == event.sender.id then own[#own + 1] = each.text end end
    events = {}
    return own
  end)
  ipcMain.handle("never", function() require("async").sleep(60000) end)
  ipcMain.handle("send", function(_, id, text) return webContents.fromId(id):send("news", text) end)
  local said, hear = {}
  ipcMain.on("said", function(_, text) said[#said + 1] = text if hear then hear() end end)
  ipcMain.handle("said", function()
    if #said == 0 then await(Promise.new(function(resolve) hear = resolve end)) end
    return ipc.Array(said)
  end)
  ipcMain.handle("wait for state", function(_, id, key, value)
    local async = require "async"
    while true do
      local contents = webContents.fromId(id)
      local frame = contents.mainFrame
      local state = { url = path(contents:getURL()), title = contents:getTitle(), name = frame.name, state = frame.visibilityState }
      if state[key] == value then return true end
      async.sleep(1)
    end
  end)
`

const all = {
  ...pages,
  'other.html': pages['module.html'].replace('A page of modules', 'Another page'),
  'framed.html': pages['module.html'].replace('</html>', '<iframe name="below" src="classic.html"></iframe></html>'),
}
const browser = useChromium()
let host

before(async () => { host = await startHost(script, 'limits = { grace = "20s", answer = "5s" }', all) })
after(() => host.stop())

const ready = (page) => page.waitForFunction(() => window.ipchost?.ipcRenderer)
const invoke = (page, ...args) => page.evaluate((all) => window.ipchost.ipcRenderer.invoke(...all), args)
const identity = (page) => invoke(page, 'identity')

async function open(url = `${host.url}/module.html`, options) {
  const page = await browser.open(url, options)
  await ready(page)
  return page
}

test('20 reloads keep the webContents and its main frame\'s node', async () => {
  const page = await open()
  const first = await identity(page)
  const processes = new Set([first.process])
  await invoke(page, 'events')
  for (let i = 0; i < 20; i++) {
    await page.reload()
    await ready(page)
    const { id, node, process, count } = await identity(page)
    assert.deepEqual([id, node, count], [first.id, first.node, first.count])
    assert.equal(await page.evaluate(() => window.ipchost.renderer.webContentsId), first.id)
    processes.add(process)
  }
  assert.equal(processes.size, 21)
  assert.deepEqual(new Set(await invoke(page, 'events')), new Set(['did-navigate /module.html']))
})

test('navigation within the origin keeps it, to another origin and back too, in time', async () => {
  const elsewhere = await startHost(script, 'limits = { grace = "20s", answer = "5s" }', all)
  try {
    const page = await open()
    const { id } = await identity(page)
    await page.goto(`${host.url}/other.html`)
    await ready(page)
    assert.equal((await identity(page)).id, id)
    await page.goto(`${elsewhere.url}/other.html`)
    await ready(page)
    await identity(page)
    await page.goto(`${host.url}/module.html`)
    await ready(page)
    assert.equal((await identity(page)).id, id)
    assert.equal((await invoke(page, 'events')).at(-1), 'did-navigate /module.html')
  } finally {
    await browser.closePages()
    await elsewhere.stop()
  }
})

test('a copy of the tab is a contents of its own, and stays one', async () => {
  const page = await open()
  const { id } = await identity(page)
  const [copy] = await Promise.all([page.waitForEvent('popup'), page.evaluate(() => { window.open(location.href) })])
  await ready(copy)
  const copied = await identity(copy)
  assert.notEqual(copied.id, id)
  assert.equal((await identity(page)).id, id)
  for (const [each, own] of [[copy, copied.id], [page, id], [copy, copied.id]]) {
    await each.reload()
    await ready(each)
    assert.equal((await identity(each)).id, own)
  }
})

test('tabs that are opened apart are apart', async () => {
  const page = await open()
  const other = await page.context().newPage()
  await other.goto(page.url())
  await ready(other)
  assert.notEqual((await identity(other)).id, (await identity(page)).id)
})

test('only the first session of a document speaks for its tab', async () => {
  const page = await open()
  const { id } = await identity(page)
  const second = () => page.evaluate(async () => (window.second = await window.ipchost.connect(location.href.replace(/^http(.*)\/.*$/, 'ws$1'))).webContentsId)
  const apart = await second()
  assert.notEqual(apart, id)
  await page.reload()
  await ready(page)
  assert.equal((await identity(page)).id, id)
  await page.evaluate(() => window.ipchost.renderer.close())
  assert.equal(await second(), id)
})

test('a page that may keep nothing is a contents of its own each time', async () => {
  const page = await open()
  await page.addInitScript(() => Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } }))
  const { id } = await identity(page)
  await page.reload()
  await ready(page)
  assert.notEqual((await identity(page)).id, id)
})

describe('the host follows', () => {
  async function follows(change, key, value) {
    const page = await open()
    const { id } = await identity(page)
    await page.evaluate(change)
    await invoke(page, 'wait for state', id, key, value)
    return page
  }

  test('the title', async () => {
    const page = await follows(() => { document.title = 'Changed' }, 'title', 'Changed')
    const { id } = await identity(page)
    await page.evaluate(() => { document.querySelector('title').textContent = '' })
    await invoke(page, 'wait for state', id, 'title', '')
    await page.evaluate(() => { document.head.innerHTML = '<title>Anew</title>' })
    await invoke(page, 'wait for state', id, 'title', 'Anew')
  })

  test('the name of the window, with the next change', () => follows(() => {
    window.name = 'named'
    document.title = 'Changed'
  }, 'name', 'named'))

  test('whether the page is seen', () => follows(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, 'state', 'hidden'))

  test('the History API and fragments', async () => {
    const page = await open()
    await identity(page)
    await invoke(page, 'events')
    await page.evaluate(async () => {
      const moved = () => new Promise((resolve) => addEventListener('popstate', resolve, { once: true }))
      history.pushState(null, '', 'pushed?a')
      history.replaceState(null, '', 'replaced')
      location.hash = 'part'
      const back = moved()
      history.back()
      await back
      window.navigation.updateCurrentEntry({ state: 1 })
    })
    assert.deepEqual((await invoke(page, 'events')), ['in-page /pushed?a', 'in-page /replaced', 'in-page /replaced#part', 'in-page /replaced'])
  })

  test('fragments where there is no Navigation API', async () => {
    const page = await open()
    await page.addInitScript(() => { delete window.navigation })
    await page.reload()
    await ready(page)
    await identity(page)
    await invoke(page, 'events')
    await page.evaluate(() => new Promise((resolve) => {
      addEventListener('hashchange', resolve, { once: true })
      location.hash = 'part'
    }))
    assert.deepEqual(await invoke(page, 'events'), ['in-page /module.html#part'])
  })
})

const keeping = useChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })

/** A page that was put away and is shown again. */
async function shownAgain(address, between = () => {}, name = 'module.html') {
  const page = await keeping.open(`${address.url}/${name}`)
  await ready(page)
  const first = await identity(page)
  await page.evaluate(() => {
    window.same = true
    window.news = []
    window.states = []
    window.ipchost.ipcRenderer.on('news', (_, text) => window.news.push(text))
    window.ipchost.renderer.on('connection', ({ state }) => window.states.push(state))
    window.pending = window.ipchost.ipcRenderer.invoke('never').catch(({ code }) => code)
  })
  await page.goto(`${address.url}/other.html`)
  await between(page, first)
  await page.goBack({ waitUntil: 'commit' })
  assert.equal(await page.evaluate(() => window.same), true, 'the page was not kept')
  return { page, first }
}

describe('the cache of pages', () => {
  test('gives a page its contents back, that another had meanwhile', async () => {
    const { page, first } = await shownAgain(host, async (other, { id }) => {
      await ready(other)
      assert.equal((await identity(other)).id, id)
    })
    const now = await identity(page)
    assert.deepEqual([now.id, now.node], [first.id, first.node])
    assert.notEqual(now.process, first.process)
    assert.equal(await page.evaluate(() => window.pending), 'ERR_CLOSED')
    await invoke(page, 'send', first.id, 'hello')
    await page.waitForFunction(() => window.news.length === 1)
    assert.deepEqual(await page.evaluate(() => [window.news, window.states]), [['hello'], ['lost', 'connected']])
    assert.equal(await page.evaluate(() => window.ipchost.renderer.processId), now.process)
  })

  test('gives a page a contents of its own when the grace is over', async () => {
    const hasty = await startHost(script, 'limits = { grace = 1 }', all)
    try {
      const { page, first } = await shownAgain(hasty)
      const now = await identity(page)
      assert.notEqual(now.id, first.id)
      await invoke(page, 'send', now.id, 'hello')
      await page.waitForFunction(() => window.news.length === 1)
    } finally {
      await keeping.closePages()
      await hasty.stop()
    }
  })

  test('gives a page its frames back', async () => {
    const { page, first } = await shownAgain(host, async (other) => { await ready(other) }, 'framed.html')
    assert.equal((await identity(page)).id, first.id)
    const below = await page.evaluate(() => window.frames.below.ipchost.ipcRenderer.invoke('identity'))
    assert.deepEqual([below.id, below.top], [first.id, false])
  })

  test('sends later what a page says as it is put away', async () => {
    const page = await keeping.open(`${host.url}/module.html`)
    await ready(page)
    const { id } = await identity(page)
    await page.evaluate(() => { addEventListener('pagehide', () => window.ipchost.ipcRenderer.send('said', 'late')) })
    await page.goto(`${host.url}/other.html`)
    await page.goBack({ waitUntil: 'commit' })
    assert.deepEqual(await invoke(page, 'said'), ['late'])
    assert.equal((await identity(page)).id, id)
  })
})
