/** The standard input and output of a Node process as what a NodeStream goes over: a child of the host has no other way to it. */
import { Console } from 'node:console'
import { Socket } from 'node:net'
import { codedError } from './errors.js'

const stdio = { claimed: false, open: false }

/** From here on what is printed goes to standard error: between the blocks it would break them. */
export function claimStdio() {
  if (stdio.claimed) return
  stdio.claimed = true
  Object.defineProperty(process, 'stdout', { value: process.stderr, configurable: true, enumerable: true })
  Object.assign(console, new Console(process.stderr, process.stderr))
}

/**
 * @param {object} onread where the bytes that come go
 * @returns {import('./node-stream.js').Sockets}
 */
export function openStdio(onread) {
  if (stdio.open) throw codedError('ERR_ADDRESS', 'Cannot connect to \'stdio:\': this process has a renderer there already')
  stdio.open = true
  claimStdio()
  const options = { fd: 0, readable: true, writable: false, onread }
  return { input: new Socket(options), output: new Socket({ fd: 1, readable: false, writable: true }) }
}
