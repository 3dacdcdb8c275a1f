/** Trees of frames in Chromium: documents in iframes of every kind belong to the page around them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { foreignPages, treePages, treeScript } from '../support/tree-pages.js'

const KINDS = ['same', 'cross', 'nested', 'inner', 'srcdoc', 'sandboxed', 'shadow', 'late', 'early']
/** How long a frame may stay when its iframe is gone, in ms. */
const GONE_WITHIN = 300
/** How long a document waits for a page of its host that it cannot see into, in ms; other pages have 250. */
const LONG_WAIT = 2000

const browser = useChromium()
let host, foreign, own, other, start

/** A port that is free, as origins have to be listed before the host starts. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

before(async () => {
  const port = await freePort()
  own = `http://127.0.0.1:${port}`
  other = `http://localhost:${port}`
  foreign = await startHost('', '', foreignPages(own))
  const config = `listen = { "unix:run/app.sock", "tcp://127.0.0.1:0", "${own}" },
    security = { origins = { "null", "${own}", "${other}", "${foreign.url}" } }`
  start = () => startHost(treeScript, config, treePages(other))
  host = await start()
})
after(async () => {
  await host.stop()
  await foreign.stop()
})

const frameOf = (page, name) => page.frames().find((frame) => frame.name() === name)
const invoke = (frame, ...args) => frame.evaluate((call) => window.ipchost.ipcRenderer.invoke(...call), args)

/** The page, when all documents in it have heard of the host. */
async function open(path = '/tree.html', kinds = KINDS) {
  const page = await browser.open(`${own}${path}`, { viewport: { width: 1280, height: 960 } })
  await page.locator('#heard', { hasText: [...kinds].sort().join(', ') }).waitFor()
  for (const kind of kinds) await frameOf(page, kind).locator('.reply', { hasText: 'hello' }).waitFor()
  return page
}

/** Resolves when the pages of the last spec are gone. */
async function untilEmpty() {
  const asker = await connect(host.address.unix)
  while (await asker.ipcRenderer.invoke('contents') > 1);
  asker.close()
}

describe('a page with frames of every kind', () => {
  test('has them all in its tree', async () => {
    const page = await open()
    const tree = (await invoke(page, 'tree')).split('\n')
    assert.equal(tree[0], `page ${own}`)
    // Siblings come as they connect.
    assert.deepEqual([...tree.slice(1)].sort(), [
      `    early ${own}`, `    inner ${own}`, `  cross ${other}`, `  late ${own}`, `  nested ${own}`, `  same ${own}`,
      '  sandboxed null', `  shadow ${own}`, `  srcdoc ${own}`,
    ])
    assert.equal(tree.indexOf(`    inner ${own}`), tree.indexOf(`  nested ${own}`) + 1)
    assert.equal(tree.indexOf(`    early ${own}`), tree.indexOf(`  late ${own}`) + 1)
    assert.equal((await invoke(page, 'preorder')).length, 10)
    assert.equal(await invoke(page, 'contents'), 1)
    await page.screenshot({ path: process.env.IPCHOST_SCREENSHOT ?? '/tmp/ipchost-tree.png' })
  })

  test('is the sender of what they send, and they are answered', async () => {
    const page = await open()
    const top = await invoke(page, 'about')
    for (const kind of KINDS) {
      const frame = frameOf(page, kind)
      const parent = { inner: 'nested', early: 'late' }[kind] ?? ''
      assert.equal(await frame.locator('.reply').textContent(), `hello ${kind}, below ${parent || 'the page'}`)
      const about = await invoke(frame, 'about')
      assert.deepEqual([about.contents, about.created, about.own, about.top, about.parent], [top.contents, top.contents, false, '', parent])
      assert.notEqual(about.process, top.process)
    }
    assert.equal((await invoke(frameOf(page, 'cross'), 'about')).url, `${other}/frame.html`)
    assert.equal((await invoke(frameOf(page, 'same'), 'about')).url, `${own}/frame.html`)
    // Of opaque origin, it has its URL by what proves that it was served there.
    assert.equal((await invoke(frameOf(page, 'sandboxed'), 'about')).url, `${own}/frame.html`)
    assert.equal((await invoke(frameOf(page, 'srcdoc'), 'about')).url, 'about:srcdoc')
  })

  test('lets none of them block before it has its place, and all afterwards', async () => {
    const page = await open()
    for (const kind of KINDS) {
      const frame = frameOf(page, kind)
      assert.match(await frame.evaluate(() => window.early), /^ERR_NOT_READY Error invoking remote method 'sync': Error: this frame waits for its place/)
      assert.equal(await frame.evaluate(() => window.ipchost.ipcRenderer.sendSync('sync')), kind)
    }
  })
})

describe('the frames of a page', () => {
  test('are gone within 300 ms of their removal, with what is below them', async () => {
    const page = await open()
    const left = new Set(await invoke(page, 'preorder'))
    for (const [kind, below] of [['same'], ['cross'], ['srcdoc'], ['sandboxed'], ['shadow'], ['nested', 'inner'], ['late', 'early']]) {
      const took = await page.evaluate(async ([name, watched]) => {
        const { ipcRenderer } = window.ipchost
        const watching = new Promise((resolve) => { ipcRenderer.once('watching', resolve) })
        const gone = ipcRenderer.invoke('until gone', watched)
        await watching
        if (window.removals[name]) window.removals[name]()
        else document.querySelector(`iframe[name=${name}]`).remove()
        return gone
      }, [kind, below ?? kind])
      assert.ok(took < GONE_WITHIN, `${kind}: ${took} ms`)
      left.delete(kind)
      left.delete(below)
      await page.waitForFunction(async (names) => {
        const now = await window.ipchost.ipcRenderer.invoke('preorder')
        return String([...now].sort()) === String(names)
      }, [...left].sort())
    }
  })

  test('end with it', async () => {
    const page = await open()
    const closed = Promise.all(KINDS.map((kind) => frameOf(page, kind).evaluate(() => window.ipchost.renderer.closed)))
    page.evaluate(() => window.ipchost.ipcRenderer.invoke('close').catch(() => {}))
    for (const { code } of await closed) assert.equal(code, 4007)
    assert.equal((await page.evaluate(() => window.ipchost.renderer.closed)).code, 1000)
  })

  test('are there again when they have loaded anew', async () => {
    const page = await open()
    const before = await invoke(frameOf(page, 'same'), 'about')
    await frameOf(page, 'same').goto(`${own}/frame.html?again`)
    await frameOf(page, 'same').locator('.reply', { hasText: 'hello same' }).waitFor()
    const again = await invoke(frameOf(page, 'same'), 'about')
    assert.equal(again.contents, before.contents)
    assert.notEqual(again.process, before.process)
    assert.equal((await invoke(page, 'preorder')).filter((name) => name === 'same').length, 1)
  })
})

describe('when the host is started anew', () => {
  /** Resolves when all documents have heard the new host, and gives the tree. */
  async function again(page, end) {
    // While there is no host, the browser itself says so.
    browser.expect(/WebSocket connection to/)
    const all = [page, ...KINDS.map((kind) => frameOf(page, kind))]
    for (const frame of all) {
      await frame.evaluate(() => { window.again = new Promise((resolve) => window.ipchost.renderer.on('connection', ({ state }) => { if (state === 'connected') resolve() })) })
    }
    await end()
    host = await start()
    await Promise.all(all.map((frame) => frame.evaluate(() => window.again)))
    return (await invoke(page, 'tree')).split('\n')
  }

  test('the tree is whole again, whether it was killed or has stopped', async () => {
    const page = await open()
    const before = (await invoke(page, 'tree')).split('\n').sort()
    for (const end of [() => host.kill(), () => host.stop()]) {
      const tree = await again(page, end)
      assert.deepEqual([...tree].sort(), before)
      assert.equal(tree.indexOf(`    inner ${own}`), tree.indexOf(`  nested ${own}`) + 1)
      // None was anything else in between.
      assert.equal(await invoke(page, 'made'), 1)
      for (const kind of KINDS) assert.equal(await frameOf(page, kind).evaluate(() => window.ipchost.ipcRenderer.sendSync('sync')), kind)
    }
  })
})

describe('a frame is a contents of its own', () => {
  /** Of the frame in the page. */
  async function alone(url) {
    const page = await browser.open(url)
    const frame = frameOf(page, 'alone')
    await frame.locator('.reply', { hasText: 'hello alone, below nothing' }).waitFor()
    assert.deepEqual(await frame.evaluate(async () => {
      const { own, top, parent } = await window.ipchost.ipcRenderer.invoke('about')
      return [own, top, parent, window.ipchost.ipcRenderer.sendSync('sync')]
    }), [true, 'alone', undefined, 'alone'])
    assert.equal(await invoke(frame, 'contents'), 1)
    return frame.evaluate(() => window.connectedAt)
  }

  /** Whether it connects without the long wait. A machine that is busy may take as long for the rest: it is asked again. */
  async function soon(url) {
    for (let asked = 0; asked < 5; asked++) {
      const took = await alone(url)
      await browser.closePages()
      await untilEmpty()
      if (took < LONG_WAIT) return true
    }
    return false
  }

  test('in a page that is no renderer, after a short wait', async () => {
    assert.ok(await soon(`${own}/plain.html`))
    assert.ok(await soon(`${foreign.url}/plain.html`))
  })

  test('in a page of another host', async () => {
    await untilEmpty()
    await alone(`${foreign.url}/renderer.html`)
  })
})

test('a page gives no tickets to frames that are not its own', async () => {
  const page = await open()
  const heard = await frameOf(page, 'inner').evaluate(async () => {
    const ask = (target) => new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => resolve('heard')
      target.postMessage({ ipchost: 'ticket', address: '' }, '*', [port2])
      // What answers this has seen the question.
      addEventListener('message', ({ data }) => { if (data === 'echo') setTimeout(resolve, 100, 'not heard') }, { once: true })
      target.postMessage('echo?', '*')
    })
    return [await ask(window.top), await ask(window.parent)]
  })
  assert.deepEqual(heard, ['not heard', 'heard'])
})
