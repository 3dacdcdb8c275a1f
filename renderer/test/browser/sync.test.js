/** sendSync in Chromium: pages of modules and of the classic script, and their workers. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'
import { seedOf, sizes, syncPages, syncScript } from '../support/sync.js'

const MIB = 1024 * 1024
const all = { ...pages, ...syncPages }
for (const name of ['module.html', 'classic.html']) {
  all[name] = all[name].replace('</html>', '<script type="module" src="sync-page.js"></script>\n</html>')
}

const browser = useChromium()
let host

before(async () => { host = await startHost(syncScript, '', all) })
after(() => host.stop())

async function open(name, how = 'open') {
  const page = await browser[how](`${host.url}/${name}`)
  await page.waitForFunction(() => window.ipchost && window.tests)
  return page
}

/** What a call throws, by channel. */
const failure = (page, channel) => page.evaluate((name) => {
  try {
    return window.ipchost.ipcRenderer.sendSync(name)
  } catch ({ name: kind, code, message }) {
    return { name: kind, code, message }
  }
}, channel)

const places = {
  'a module page': ['module.html', (page, ...args) => page.evaluate(([name, ...rest]) => window.tests[name](window.ipchost.ipcRenderer, ...rest), args)],
  'a classic page': ['classic.html', (page, ...args) => page.evaluate(([name, ...rest]) => window.tests[name](window.ipchost.ipcRenderer, ...rest), args)],
  'a worker': ['module.html', (page, ...args) => page.evaluate((question) => new Promise((resolve) => {
    const worker = new Worker('sync-worker.js', { type: 'module' })
    worker.onmessage = ({ data }) => resolve(data)
    worker.postMessage(question)
  }), args)],
}

// One page for all: opening it costs more than what it does.
for (const [place, [name, run]] of Object.entries(places)) {
  test(`sendSync in ${place} is the first call, keeps the order, takes all sizes, and waits for what has not left`, async (t) => {
    const page = await open(name)
    assert.equal(await run(page, 'answer'), 'pong', 'the example of Electron\'s document')
    assert.deepEqual(await run(page, 'order', 1000, seedOf(t)), [], '1,000 calls of all kinds in order')
    assert.deepEqual(await run(page, 'payloads', sizes), [], 'payloads of all sizes by all ways')
    assert.deepEqual(await run(page, 'bulk'), [32 * MIB, 0], '32 MiB')
  })
}

test('a classic worker waits as well', async () => {
  const page = await open('classic.html')
  assert.equal(await page.evaluate(() => new Promise((resolve) => {
    const worker = new Worker('sync-classic-worker.js')
    worker.onmessage = ({ data }) => resolve(data)
    worker.postMessage(0)
  })), 'pong')
})

test('belongs to the session of the page', async () => {
  const page = await open('module.html')
  const [sync, invoked] = await page.evaluate(async () => {
    const { ipcRenderer } = window.ipchost
    return [ipcRenderer.sendSync('identity sync'), await ipcRenderer.invoke('identity')]
  })
  assert.deepEqual(sync, invoked)
  assert.equal(sync.url, `${host.url}/module.html`)
})

test('more than one block of limits.packet goes before it', async () => {
  const small = await startHost(syncScript, 'limits = { packet = "2MiB" }', all)
  try {
    const page = await browser.open(`${small.url}/classic.html`)
    await page.waitForFunction(() => window.ipchost && window.tests)
    assert.deepEqual(await page.evaluate(() => window.tests.bulk(window.ipchost.ipcRenderer)), [32 * MIB, 0])
  } finally {
    await browser.closePages()
    await small.stop()
  }
})

test('a page of a listed origin asks another host, without a preflight', async () => {
  const own = await startHost('', '', { ...all, 'module.html': all['module.html'].replace("'self'", '*') })
  const asked = await startHost(syncScript, `security = { origins = { "${own.url}" } }`)
  try {
    const page = await browser.openWatched(`${own.url}/module.html`)
    await page.waitForFunction(() => window.ipchost && window.tests)
    const methods = []
    page.on('request', (request) => methods.push(request.method()))
    assert.equal(await page.evaluate(async (address) => {
      const { ipcRenderer } = await window.ipchost.connect(address)
      return ipcRenderer.sendSync('synchronous-message', 'ping')
    }, asked.address.ws), 'pong')
    assert.deepEqual(methods.filter((method) => method === 'OPTIONS'), [])
  } finally {
    await browser.closePages()
    await own.stop()
    await asked.stop()
  }
})

describe('sendSync fails', () => {
  test('with what the host says', async () => {
    const page = await open('module.html')
    const nobody = await failure(page, 'nobody')
    assert.deepEqual([nobody.name, nobody.code], ['Error', 'ERR_NO_LISTENER'])
    assert.match(nobody.message, /^Error invoking remote method 'nobody': Error: /)
    assert.equal((await failure(page, 'forget sync')).code, 'ERR_NO_REPLY')
    assert.equal(await page.evaluate(() => window.tests.answer(window.ipchost.ipcRenderer)), 'pong')
  })

  test('where the policy of the page forbids to wait', async () => {
    browser.expect(/sync-xhr/)
    const page = await browser.open(`${host.url}/forbidden.html`)
    const frame = page.frames()[1]
    await frame.waitForFunction(() => window.ipchost)
    await frame.evaluate(() => window.ipchost.ipcRenderer.invoke('echo'))
    assert.deepEqual(await failure(frame, 'echo sync'), {
      name: 'Error', code: 'ERR_DENIED',
      message: "Error invoking remote method 'echo sync': Error: the page's Permissions-Policy forbids sync-xhr, by which a page waits",
    })
  })

  test('while the page is being dismissed', async () => {
    browser.expect(/XMLHttpRequest/)
    const page = await open('module.html')
    await page.evaluate(async () => {
      await window.ipchost.ipcRenderer.invoke('echo')
      addEventListener('pagehide', () => {
        try {
          window.ipchost.ipcRenderer.sendSync('echo sync')
        } catch ({ code, message }) {
          sessionStorage.setItem('failure', JSON.stringify([code, message]))
        }
      })
    })
    await page.reload()
    assert.deepEqual(JSON.parse(await page.evaluate(() => sessionStorage.getItem('failure'))), [
      'ERR_CLOSED', "Error invoking remote method 'echo sync': Error: the page is being dismissed: browsers let nothing block in 'pagehide'",
    ])
  })

  test('where the host cannot be reached', async () => {
    browser.expect(/ERR_/)
    const page = await open('module.html', 'openWatched')
    await page.route('**/ipchost/sync', (route) => route.abort())
    assert.deepEqual(await failure(page, 'echo sync'), {
      name: 'Error', code: 'ERR_CLOSED',
      message: "Error invoking remote method 'echo sync': Error: the host is not running, or it refuses this page; its log says which",
    })
  })
})
