/** Lanes of sendSync in Node, against a host that does what a real one does seldom. The callers are processes of their own. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { FakeHost, KIND } from './support/fake-host.js'
import { runNode } from './support/host.js'

let host

beforeEach(async () => { host = await new FakeHost().listen() })
afterEach(() => host.close())

/** Calls as the first thing that a process does, and prints what came of it. */
async function call(argument) {
  const { out, err } = await runNode(`
    import { ipcRenderer } from 'ipchost'
    try {
      console.log(ipcRenderer.sendSync('ask', ${argument}))
    } catch ({ name, code, message }) {
      console.log(name, code, message)
    }
    process.exit()`, host.address)
  assert.equal(err, '')
  return out
}

test('an answer with which a bye comes is one', async () => {
  const printed = call(1)
  await host.welcome()
  const { name, call: number } = await host.next()
  assert.equal(name, 'sync')
  host.socket.cork()
  host.send([KIND.REPLY, { call: number, status: 0 }, 'answer'])
  host.send([KIND.BYE, { code: 1001, text: 'the host is closing' }])
  host.socket.uncork()
  assert.equal(await printed, 'answer\n')
})

test('so it is in one block', async () => {
  const printed = call(1)
  await host.welcome()
  const { call: number } = await host.next()
  host.send([KIND.REPLY, { call: number, status: 0 }, 'answer'], [KIND.BYE, { code: 1001, text: 'the host is closing' }])
  assert.equal(await printed, 'answer\n')
})

for (const [size, blocks] of [[1000, 1], [1 << 20, 2]]) {
  test(`a call of ${size} bytes and the hello are ${blocks === 1 ? 'one block' : 'two blocks, so that the welcome waits for neither'}`, async () => {
    const printed = call(`'x'.repeat(${size})`)
    await host.welcome()
    const { call: number, payload } = await host.next()
    assert.equal(payload[0].length, size)
    assert.equal(host.blocks, blocks)
    host.send([KIND.REPLY, { call: number, status: 0 }, 'answer'])
    assert.equal(await printed, 'answer\n')
  })
}

test('a host that says nothing is given up', async () => {
  assert.equal(await call(1), "TimeoutError ERR_TIMEOUT Error invoking remote method 'ask': TimeoutError: no answer within 10000 ms\n")
})
