/** A CuttingProxy in a thread of its own, for callers that block meanwhile: does what it is told, and says that it has. */
import { parentPort, workerData } from 'node:worker_threads'
import { CuttingProxy } from './cutting-proxy.js'

const { done } = workerData
const proxy = await new CuttingProxy().listen()
parentPort.on('message', ({ cut, target }) => {
  if (target) proxy.target = target
  if (cut) proxy.cutNewest(cut === 'at its next answer')
  Atomics.add(done, 0, 1)
  Atomics.notify(done, 0)
})
parentPort.postMessage({ port: proxy.port, security: proxy.security })
