/** sendSync of a Node process against a real host, once a transport. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { runNode, startHost, transports } from '../support/host.js'
import { seedOf, sizes, syncScript } from '../support/sync.js'
import { tests } from '../support/sync-tests.js'

/** Of the test that runs. */
let host, renderer, ipcRenderer

function answers() {
  test('sendSync returns what a listener answered', async () => {
    assert.equal(ipcRenderer.sendSync('synchronous-message', 'ping'), 'pong')
    assert.equal(ipcRenderer.sendSync('add sync', 2, 3), 5)
    assert.equal(ipcRenderer.sendSync('echo sync'), undefined)
    assert.equal(ipcRenderer.sendSync('later sync', 2), 'late')
    assert.equal(await ipcRenderer.invoke('echo', 'after'), 'after')
    const identity = ipcRenderer.sendSync('identity sync')
    assert.deepEqual(identity, await ipcRenderer.invoke('identity'))
    assert.equal(identity.url, 'app://sync')
  })

  for (const size of sizes) {
    test(`a payload of ${size} goes there and back, by all ways`, async () => {
      assert.deepEqual(await tests.payloads(ipcRenderer, [size]), [])
    })
  }

  test('what the host sends meanwhile is heard afterwards, in order', async () => {
    const heard = []
    ipcRenderer.on('pushed', (_, number) => heard.push(number))
    assert.equal(ipcRenderer.sendSync('push sync', 3), 3)
    assert.deepEqual(heard, [])
    await ipcRenderer.invoke('echo')
    assert.deepEqual(heard, [1, 2, 3])
  })
}

function order() {
  test('1,000 calls of all kinds arrive in the order in which they were made', async (t) => {
    assert.deepEqual(await tests.order(ipcRenderer, 1000, seedOf(t)), [])
  })

  test('32 MiB that have not left go before it', async () => {
    assert.deepEqual(await tests.bulk(ipcRenderer), [32 * 1024 * 1024, 0])
  })
}

function failures() {
  test('throws where every listener raised, and where there is none', () => {
    assert.throws(() => ipcRenderer.sendSync('raise sync'), {
      name: 'Error', code: 'ERR_NO_REPLY',
      message: "Error invoking remote method 'raise sync': Error: every listener raised an error; the host's log has them",
    })
    assert.throws(() => ipcRenderer.sendSync('nobody'), { code: 'ERR_NO_LISTENER', message: /^Error invoking remote method 'nobody': Error: / })
    assert.throws(() => ipcRenderer.sendSync(), { name: 'TypeError', message: 'Missing required channel argument' })
    assert.throws(() => ipcRenderer.sendSync('echo sync', () => {}), { name: 'DataCloneError', code: 'ERR_DATA_CLONE' })
    assert.equal(ipcRenderer.sendSync('echo sync', 'still here'), 'still here')
  })

  test('throws where nobody answers', () => {
    assert.throws(() => ipcRenderer.sendSync('forget sync'), { code: 'ERR_NO_REPLY', message: /^Error invoking remote method 'forget sync': / })
    assert.equal(ipcRenderer.sendSync('echo sync', 'still here'), 'still here')
  })

  test('a getter of what is sent cannot call', () => {
    const nested = { get value() { return ipcRenderer.sendSync('echo sync') } }
    assert.throws(() => ipcRenderer.sendSync('echo sync', nested), { code: 'ERR_REENTRANT' })
  })

  test('after close it throws', () => {
    ipcRenderer.sendSync('echo sync')
    renderer.close()
    assert.throws(() => ipcRenderer.sendSync('echo sync'), { code: 'ERR_CLOSED', message: 'IPC method called after context was released' })
  })
}

for (const transport of transports) {
  describe(`sendSync over ${transport}`, () => {
    before(async () => { host = await startHost(syncScript) })
    after(() => host.stop())
    beforeEach(async () => {
      renderer = await connect(host.address[transport], { url: 'app://sync' })
      ipcRenderer = renderer.ipcRenderer
    })
    afterEach(async () => {
      renderer.close()
      await renderer.closed
    })
    answers()
    order()
    failures()

    for (const turns of [0, 1, 2, 3, 4, 5, 6]) {
      test(`comes between, ${turns} turns of the loop after the first call of the session, and ends nothing`, async () => {
        const { out, err } = await runNode(`
          import { ipcRenderer } from 'ipchost'
          const first = ipcRenderer.invoke('echo', 'first')
          for (let i = 0; i < ${turns}; i++) await new Promise(setImmediate)
          console.log(ipcRenderer.sendSync('echo sync', 1))
          console.log(await first)
          for (let i = 2; i <= 4; i++) console.log(ipcRenderer.sendSync('echo sync', i), await ipcRenderer.invoke('echo', 'on'))`, host.address[transport])
        assert.deepEqual([out, err], ['1\nfirst\n2 on\n3 on\n4 on\n', ''])
      })
    }

    test('may be the first call, and does not hold the process', async () => {
      const { code, out, err } = await runNode(`
        import { ipcRenderer, renderer } from 'ipchost'
        console.log(ipcRenderer.sendSync('synchronous-message', 'ping'))
        const sync = ipcRenderer.sendSync('identity sync').process
        console.log((await ipcRenderer.invoke('identity')).process === sync, renderer.processId === sync)`, host.address[transport])
      assert.deepEqual({ code, out, err }, { code: 0, out: 'pong\ntrue true\n', err: '' })
    })
  })
}

/** A CuttingProxy that works while this thread blocks. */
async function startProxy() {
  const done = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('../support/cutting-proxy-thread.js', import.meta.url), { workerData: { done } })
  const [{ port, security }] = await once(worker, 'message')
  return {
    port, security,
    /** Returns when it is done, without a turn of the loop. */
    tell(what) {
      worker.postMessage(what)
      Atomics.wait(done, 0, 0)
      done[0] = 0
    },
    close: () => worker.terminate(),
  }
}

describe('a lane that is lost', () => {
  let proxy

  before(async () => {
    host = await startHost(syncScript)
    proxy = await startProxy()
    proxy.tell({ target: host.address.tcp })
    renderer = await connect(`tcp://127.0.0.1:${proxy.port}`)
    ipcRenderer = renderer.ipcRenderer
  })
  after(async () => {
    renderer.close()
    await Promise.all([renderer.closed, proxy.close(), host.stop()])
  })

  test('between two calls is not noticed', async () => {
    for (let i = 1; i <= 20; i++) {
      assert.equal(ipcRenderer.sendSync('note sync', i), i)
      proxy.tell({ cut: 'now' })
    }
    assert.deepEqual(await ipcRenderer.invoke('seen'), Array.from({ length: 20 }, (_, i) => i + 1))
    assert.equal(ipcRenderer.sendSync('echo sync', 'on'), 'on')
  })

  test('before its answer fails the call, which does not run again', async () => {
    assert.equal(ipcRenderer.sendSync('note sync', 1), 1)
    proxy.tell({ cut: 'at its next answer' })
    assert.throws(() => ipcRenderer.sendSync('note sync', 2), { code: 'ERR_CLOSED', message: /: the call was received before$/ })
    assert.equal(ipcRenderer.sendSync('note sync', 3), 3)
    assert.deepEqual(await ipcRenderer.invoke('seen'), [1, 2, 3])
  })
})

test('a session that a call has opened is a new one in all its parts', async () => {
  const proxy = await startProxy()
  const [first, second] = await Promise.all([1, 2].map(() => startHost(syncScript, `${proxy.security},`)))
  proxy.tell({ target: first.address.ws })
  // Time for the call to come before the main lane.
  const renderer = await connect(`ws://127.0.0.1:${proxy.port}`, { reconnect: { min: 500, max: 500 } })
  const { ipcRenderer } = renderer
  const child = await renderer.createFrame({ name: 'child' })
  const changes = []
  const connected = new Promise((resolve) => renderer.on('connection', (change) => { if (changes.push(change) === 2) resolve() }))
  const opened = new Promise((resolve) => child.on('connection', ({ state }) => { if (state === 'connected') resolve() }))
  proxy.tell({ target: second.address.ws })
  const lost = once(renderer, 'connection')
  await first.stop()
  await lost
  assert.equal(ipcRenderer.sendSync('echo sync', 'first of all'), 'first of all')
  await Promise.all([connected, opened])
  assert.deepEqual(changes, [{ state: 'lost', resumed: false }, { state: 'connected', resumed: false }])
  assert.equal(await child.ipcRenderer.invoke('echo', 'in the child'), 'in the child')
  const { port1, port2 } = new MessageChannel()
  ipcRenderer.postMessage('echo port', null, [port2])
  port1.postMessage('there and back')
  assert.equal((await once(port1, 'message'))[0], 'there and back')
  renderer.close()
  await Promise.all([renderer.closed, proxy.close(), second.stop()])
})

/** A module that is loaded into every thread, and ends another than the main one as that says. */
const ENDING = `const { isMainThread } = require('node:worker_threads')
if (!isMainThread) {
  const channel = new BroadcastChannel('end')
  channel.unref()
  channel.onmessage = ({ data }) => {
    process.on('exit', () => { data[0] = 1; Atomics.notify(data, 0) })
    throw new Error('of another module')
  }
}
`

describe('a process', () => {
  before(async () => { host = await startHost(syncScript, 'limits = { packet = "65MiB" },') })
  after(() => host.stop())

  test('whose worker has ended gets another', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'ipchost-js-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'ending.cjs'), ENDING)
    const result = await runNode(`
      import { ipcRenderer } from 'ipchost'
      const ended = new Int32Array(new SharedArrayBuffer(4))
      const channel = new BroadcastChannel('end')
      for (let i = 1; i <= 3; i++) {
        console.log(ipcRenderer.sendSync('echo sync', i))
        channel.postMessage(ended)
        Atomics.wait(ended, 0, 0)
        ended[0] = 0
        if (i === 2) await ipcRenderer.invoke('echo')
      }
      channel.close()
      console.log(ipcRenderer.sendSync('echo sync', 'on'))`, host.address.unix, { NODE_OPTIONS: `--require ${join(folder, 'ending.cjs')}` })
    assert.deepEqual(result, { code: 0, out: '1\n2\n3\non\n', err: '' })
  })

  test('whose first call came before it knew the limits takes what they allow', async () => {
    const size = (64 << 20) + 1000
    const { out } = await runNode(`
      import { ipcRenderer } from 'ipchost'
      ipcRenderer.sendSync('echo sync', 1)
      await ipcRenderer.invoke('echo')
      console.log(ipcRenderer.sendSync('echo sync', 'x'.repeat(${size})).length)`, host.address.unix)
    assert.equal(out, `${size}\n`)
  })

  test('that drops its $IPCHOST_ADDRESS keeps its host', async () => {
    const { out } = await runNode(`
      import { ipcRenderer } from 'ipchost'
      await ipcRenderer.invoke('echo')
      delete process.env.IPCHOST_ADDRESS
      console.log(ipcRenderer.sendSync('echo sync', 'still here'))`, host.address.unix)
    assert.equal(out, 'still here\n')
  })
})

test('a host that is gone is said to be gone', async () => {
  const gone = await startHost(syncScript)
  const { ipcRenderer: sync, closed } = await connect(gone.address.unix)
  sync.sendSync('echo sync')
  const killed = gone.kill()
  assert.throws(() => sync.sendSync('echo sync'), { message: /^Error invoking remote method 'echo sync': Error: (the host closed the lane without an answer|The connection to .* broke|Cannot connect to .*)/ })
  await killed
  await closed
})
