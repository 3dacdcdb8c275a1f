/** MessagePorts in Chromium: a page and the scripts, and pages with each other. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'

const script = `
kept = {}
local closed = {}
local function keep(name, port)
  kept[name] = port
  local promise, resolve = Promise.withResolvers()
  closed[name] = promise
  port:on("close", function() resolve("closed") end)
end
ipcMain.handle("give", function(event, name, count)
  local port1, port2 = MessageChannelMain.pair()
  keep(name, port1)
  for i = 1, count or 0 do port1:postMessage(i) end
  event.sender:postMessage("given", name, { port2 })
end)
ipcMain.on("keep", function(event, names)
  for i, port in ipairs(event.ports) do
    keep(names[i], port)
    port:on("message", function(message) if message.data ~= i then error("another message") end end)
    port:start()
  end
end)
-- The reply stream of Electron's document.
ipcMain.on("give-me-a-stream", function(event, message)
  local port = event.ports[1]
  for _ = 1, message.count do port:postMessage(message.element) end
  port:close()
end)
ipcMain.handle("closed", function(_, name) return closed[name] end)
ipcMain.handle("close", function(_, name) kept[name]:close() end)
ipcMain.handle("say", function(_, name, ...) return (kept[name]:postMessage(...)) end)
ipcMain.on("echo", function(event, first)
  local port = event.ports[1]
  port:on("message", function(inner) port:postMessage(inner.data, inner.ports) end)
  port:start()
  port:postMessage(first)
end)
ipcMain.on("to other", function(event, id) webContents.fromId(id):postMessage("joined", "on", event.ports) end)
ipcMain.handle("nest", function(_, name)
  local port1, port2 = MessageChannelMain.pair()
  keep(name .. " nested", port1)
  port1:postMessage("inside")
  kept[name]:postMessage("nested", { port2 })
end)
ipcMain.handle("id", function(event) return event.sender.id end)
ipcMain.handle("join", function(_, one, other)
  local port1, port2 = MessageChannelMain.pair()
  webContents.fromId(one):postMessage("joined", 1, { port1 })
  webContents.fromId(other):postMessage("joined", 2, { port2 })
end)
`

const browser = useChromium()
let host

/** A worker that takes a port, and says on request what it has read there. */
const hearingWorker = `let port
const heard = []
onmessage = ({ data }) => {
  if (port) return postMessage(heard)
  port = data
  port.onmessage = ({ data }) => { if (heard.push(data) === 3) postMessage('three') }
}
`

/** Bytes that the host may have of what one page has posted and another not read: several windows of 1 MiB. */
const MOST_WAITING = 8 << 20

/** A worker that takes a port, and says when it has read so many bytes there. */
const portWorker = `onmessage = ({ data: { port, expected } }) => {
  let length = 0
  port.onmessage = ({ data }) => {
    length += data.length
    if (length === expected) postMessage(length)
  }
}
`

before(async () => { host = await startHost(script, '', { ...pages, 'port-worker.js': portWorker, 'hearing-worker.js': hearingWorker }) })
after(() => host.stop())

/** A page that keeps the port of channel `joined` in window.port, and its id. */
async function open(name) {
  const page = await browser.open(`${host.url}/${name}`)
  await page.waitForFunction(() => window.ipchost && window.difference)
  const id = await page.evaluate(() => {
    const { ipcRenderer } = window.ipchost
    window.joined = new Promise((resolve) => {
      ipcRenderer.on('joined', ({ ports: [port] }) => resolve(window.port = port))
    })
    window.next = (port) => new Promise((resolve) => { port.onmessage = resolve })
    window.closes = (port) => new Promise((resolve) => {
      let count = 0
      port.addEventListener('close', () => {
        count += 1
        ipcRenderer.invoke('id').then(() => resolve(count))
      })
    })
    return ipcRenderer.invoke('id')
  })
  return { page, id }
}

async function pair(name) {
  const one = await open('module.html')
  const other = await open(name)
  await one.page.evaluate((ids) => window.ipchost.ipcRenderer.invoke('join', ...ids), [one.id, other.id])
  await Promise.all([one, other].map(({ page }) => page.evaluate(async () => { await window.joined })))
  return [one, other]
}

function ownPorts(kind) {
  test('bring what was queued, and close after it', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const port = new Promise((resolve) => { ipcRenderer.on('given', (event) => resolve(event.ports[0])) })
      await ipcRenderer.invoke('give', 'queued', 3)
      const mine = await port
      const order = [mine instanceof MessagePort]
      const closed = window.closes(mine)
      await ipcRenderer.invoke('close', 'queued')
      mine.onmessage = ({ data }) => order.push(data)
      order.push(`closed ${await closed}`)
      return order
    }), [true, 1, 2, 3, 'closed 1'])
  })

  test('of its own making are neutered, and carry ports and bytes', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const { port1, port2 } = new MessageChannel()
      const results = []
      const first = window.next(port2)
      ipcRenderer.postMessage('echo', 'hello', [port1])
      results.push((await first).data)
      try {
        ipcRenderer.postMessage('echo', 'again', [port1])
      } catch (error) {
        results.push(error.name, error.message)
      }
      for (const size of [0, 1, 65535, 65536, 65537, 262147, 3145729]) {
        const answer = window.next(port2)
        port2.postMessage(new Uint8Array(size).fill(7))
        const { data } = await answer
        if (data.length !== size || !data.every((byte) => byte === 7)) results.push(size)
      }
      const nested = new MessageChannel()
      const back = window.next(port2)
      port2.postMessage('nested', [nested.port1])
      const [inner] = (await back).ports
      const through = window.next(inner)
      nested.port2.postMessage('round')
      results.push((await through).data)
      return results
    }), ['hello', 'DataCloneError', 'Port at index 0 is already neutered', 'round'])
  })
}

function portsOfFrames(kind) {
  test('that a frame of the same origin has made are taken, and what only looks like one is not', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const other = document.body.appendChild(document.createElement('iframe')).contentWindow
      const { port1, port2 } = new other.MessageChannel()
      const results = [port1 instanceof MessagePort]
      const first = window.next(port2)
      ipcRenderer.postMessage('echo', 'hello', [port1])
      results.push((await first).data)
      const answer = window.next(port2)
      port2.postMessage('there and back')
      results.push((await answer).data)
      for (const wrong of [{ [Symbol.toStringTag]: 'MessagePort' }, Object.create(other.MessagePort.prototype), null, 'port']) {
        try {
          ipcRenderer.postMessage('echo', 'wrong', [wrong])
        } catch (error) {
          results.push(error.message)
        }
      }
      return results
    }), [false, 'hello', 'there and back', ...Array(4).fill('Invalid value for transfer')])
  })
}

function ownCloses(kind) {
  test('of its own making tell of the close, after what was posted, and of nothing else', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      /** What a port says until it closes. */
      const storyOf = (port, ask) => new Promise((resolve) => {
        const story = []
        // Both before and after the transfer, as pages do.
        port.addEventListener('message', ({ data }) => story.push(data))
        ask()
        port.onmessage = ({ data }) => story.push(data)
        port.addEventListener('close', () => story.push('event'))
        port.onclose = ({ type }) => {
          story.push(type)
          ipcRenderer.invoke('id').then(() => resolve(story))
        }
      })
      const { port1, port2 } = new MessageChannel()
      const results = [await storyOf(port1, () => ipcRenderer.postMessage('give-me-a-stream', { element: 42, count: 3 }, [port2]))]
      const own = new MessageChannel()
      ipcRenderer.postMessage('keep', ['own'], [own.port1])
      own.port2.postMessage(1)
      own.port2.close()
      results.push(await ipcRenderer.invoke('closed', 'own'))
      const both = new MessageChannel()
      ipcRenderer.postMessage('keep', ['one', 'other'], [both.port1, both.port2])
      await ipcRenderer.invoke('close', 'one')
      results.push(await ipcRenderer.invoke('closed', 'other'))
      const nowhere = new MessageChannel()
      results.push(await storyOf(nowhere.port1, () => ipcRenderer.postMessage('nobody listens', null, [nowhere.port2])))
      return results
    }), [[42, 42, 42, 42, 42, 42, 'close', 'event'], 'closed', 'closed', ['close', 'event']])
  })

}

function movedAndReceived(kind) {
  test('of its own making that are in a worker hear no more than was posted', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const worker = new Worker('hearing-worker.js')
      const next = () => new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data) })
      const { port1, port2 } = new MessageChannel()
      const three = next()
      worker.postMessage(port1, [port1])
      ipcRenderer.postMessage('give-me-a-stream', { element: 42, count: 3 }, [port2])
      const all = [await three]
      await ipcRenderer.invoke('id')
      const heard = next()
      worker.postMessage('what?')
      all.push(await heard)
      return all
    }), ['three', [42, 42, 42]])
  })

  test('that were received have onclose', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const given = new Promise((resolve) => { ipcRenderer.once('given', ({ ports: [port] }) => resolve(port)) })
      await ipcRenderer.invoke('give', 'onclose')
      const port = await given
      const closed = new Promise((resolve) => { port.onclose = function ({ type }) { resolve([type, this === port]) } })
      port.start()
      await ipcRenderer.invoke('close', 'onclose')
      return closed
    }), ['close', true])
  })
}

function waitingPorts(kind) {
  test('of its own making tell of the close also where they waited in a message, or were dropped with it', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const given = new Promise((resolve) => { ipcRenderer.once('given', ({ ports: [port] }) => resolve(port)) })
      await ipcRenderer.invoke('give', 'full')
      const port = await given
      const inner = [1, 2].map(() => new MessageChannel())
      const stories = inner.map(({ port1 }) => new Promise((resolve) => {
        const story = []
        port1.onmessage = ({ data }) => story.push(data)
        port1.addEventListener('close', ({ type }) => {
          story.push(type)
          ipcRenderer.invoke('id').then(() => resolve(story))
        })
      }))
      for (let i = 0; i < 5; i++) port.postMessage('x'.repeat(1 << 18))
      port.postMessage('waits', [inner[0].port2])
      await ipcRenderer.invoke('close', 'full')
      port.postMessage('late', [inner[1].port2])
      return Promise.all(stories)
    }), [['close'], ['close']])
  })
}

function listeningFirst(kind) {
  test('that were received are followed however a page listens', async () => {
    const { page } = await open(`${kind}.html`)
    assert.deepEqual(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const given = new Promise((resolve) => { ipcRenderer.once('given', ({ ports: [port] }) => resolve(port)) })
      await ipcRenderer.invoke('give', 'listener')
      const port = await given
      const results = []
      let length = 0
      const inside = new Promise((resolve) => {
        port.addEventListener('message', (event) => {
          // Nobody after it hears of this.
          event.stopImmediatePropagation()
          length += event.data.length
          if (event.ports[0]) event.ports[0].onmessage = ({ data }) => resolve(data)
        }, { capture: true })
      })
      const closed = new Promise((resolve) => { port.addEventListener('close', resolve) })
      port.start()
      await ipcRenderer.invoke('nest', 'listener')
      results.push(await inside)
      // Four times what the host sends without credit.
      for (let i = 0; i < 16; i++) await ipcRenderer.invoke('say', 'listener', 'x'.repeat(1 << 18))
      await ipcRenderer.invoke('close', 'listener')
      await closed
      return [...results, length]
    }), ['inside', (4 << 20) + 'nested'.length])
  })
}

function joinedPorts(kind) {
  test('close at the scripts when they are closed, or the page is gone', async () => {
    const { page } = await open(`${kind}.html`)
    assert.equal(await page.evaluate(async () => {
      const { ipcRenderer } = window.ipchost
      const port = new Promise((resolve) => { ipcRenderer.on('given', (event) => resolve(event.ports[0])) })
      await ipcRenderer.invoke('give', 'closing')
      ;(await port).close()
      return ipcRenderer.invoke('closed', 'closing')
    }), 'closed')
    const { page: other } = await open('module.html')
    await page.evaluate(() => window.ipchost.ipcRenderer.invoke('give', 'leaving'))
    await page.close()
    assert.equal(await other.evaluate(() => window.ipchost.ipcRenderer.invoke('closed', 'leaving')), 'closed')
  })

  test('that were joined carry 100,000 messages in order past a slow reader', async () => {
    const [one, other] = await pair(`${kind}.html`)
    const count = 100000
    const read = other.page.evaluate((total) => new Promise((resolve) => {
      let expected = 0
      window.port.onmessage = ({ data }) => {
        if (data !== expected) resolve(`${data} instead of ${expected}`)
        expected += 1
        // Busy for a while, again and again.
        if (expected % 10000 === 0) for (const end = performance.now() + 50; performance.now() < end;);
        if (expected === total) resolve(expected)
      }
    }), count)
    await one.page.evaluate((total) => { for (let i = 0; i < total; i++) window.port.postMessage(i) }, count)
    assert.equal(await read, count)
  })
}

function slowPages(kind) {
  test('that were joined cost the host no more than their window, however much is posted', async () => {
    const [one, other] = await pair(`${kind}.html`)
    const [count, length] = [256, 128 * 1024]
    const before = host.memory()
    // What the window has room for is at the host when it answers; the other page has not begun to read.
    await one.page.evaluate(([total, size]) => {
      const text = 'x'.repeat(size)
      for (let i = 0; i < total; i++) window.port.postMessage([i, text])
      return window.ipchost.ipcRenderer.invoke('id')
    }, [count, length])
    const waiting = host.memory().now - before.now
    assert.ok(waiting < MOST_WAITING, `${waiting} bytes of ${count * length} are at the host`)
    assert.deepEqual(await other.page.evaluate(([total, size]) => new Promise((resolve) => {
      let expected = 0
      window.port.onmessage = ({ data: [i, text] }) => {
        if (i !== expected || text.length !== size) resolve(`${i} instead of ${expected}`)
        expected += 1
        if (expected === total) resolve(expected)
      }
    }), [count, length]), count)
    const passing = host.memory().most - before.most
    assert.ok(passing < MOST_WAITING, `${passing} bytes of ${count * length} were at the host at once`)
  })
}

function workerPorts(kind) {
  test('that were received go on in a worker', async () => {
    const { page } = await open(`${kind}.html`)
    for (const used of [false, true]) {
      assert.equal(await page.evaluate(async (use) => {
        const { ipcRenderer } = window.ipchost
        const given = new Promise((resolve) => { ipcRenderer.once('given', ({ ports: [port] }) => resolve(port)) })
        await ipcRenderer.invoke('give', 'to a worker', use ? 1 : 0)
        const port = await given
        if (use) await window.next(port)
        const worker = new Worker('port-worker.js')
        const read = new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data) })
        worker.postMessage({ port, expected: 4 << 20 }, [port])
        for (let i = 0; i < 16; i++) await ipcRenderer.invoke('say', 'to a worker', 'x'.repeat(1 << 18))
        return read
      }, used), 4 << 20)
    }
  })
}

function leavingPages(kind) {
  test('that were joined close once when a page is gone', async () => {
    for (const end of ['close', 'crash']) {
      const [one, other] = await pair(`${kind}.html`)
      const closed = other.page.evaluate(() => {
        window.port.start()
        return window.closes(window.port)
      })
      await other.page.evaluate(() => window.ipchost.ipcRenderer.invoke('id'))
      if (end === 'close') await one.page.close()
      else await one.page.goto('chrome://crash').catch(() => {})
      assert.equal(await closed, 1)
    }
  })

  test('move from page to page with what was not dispatched', async () => {
    const one = await open('module.html')
    const other = await open(`${kind}.html`)
    await one.page.evaluate((id) => {
      const { ipcRenderer } = window.ipchost
      return new Promise((resolve) => {
        ipcRenderer.on('given', ({ ports: [port] }) => {
          port.onmessage = ({ data }) => {
            if (data !== 3) return
            ipcRenderer.postMessage('to other', id, [port])
            resolve()
          }
        })
        ipcRenderer.invoke('give', 'moving', 2000)
      })
    }, other.id)
    assert.equal(await other.page.evaluate(async () => {
      const port = await window.joined
      return new Promise((resolve) => {
        let expected = 4
        port.onmessage = ({ data }) => {
          if (data !== expected) resolve(`${data} instead of ${expected}`)
          expected += 1
          if (expected > 2000) resolve('all')
        }
      })
    }), 'all')
  })
}

describe('ports of a module page', () => {
  ownPorts('module')
  portsOfFrames('module')
  ownCloses('module')
  movedAndReceived('module')
  waitingPorts('module')
  listeningFirst('module')
  joinedPorts('module')
  slowPages('module')
  workerPorts('module')
  leavingPages('module')
})

// The classic file is made of the same modules: what is particular is that it runs at all.
describe('ports of a classic page', () => {
  ownPorts('classic')
  portsOfFrames('classic')
  ownCloses('classic')
  movedAndReceived('classic')
})
