/** A CuttingProxy in a thread of its own, for callers that block meanwhile: cuts the newest connection as it is told. */
import { parentPort, workerData } from 'node:worker_threads'
import { CuttingProxy } from './cutting-proxy.js'

const { target, done } = workerData
const proxy = await new CuttingProxy().listen()
proxy.target = target
parentPort.on('message', (mute) => {
  proxy.cutNewest(mute)
  Atomics.add(done, 0, 1)
  Atomics.notify(done, 0)
})
parentPort.postMessage(proxy.port)
