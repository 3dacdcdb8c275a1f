/** Real hosts: each a process of its own in a folder of its own. Nothing here sleeps: it waits for the ready line or the exit. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const binary = resolve(project, process.env.IPCHOST_BIN ?? 'build/ipchost')

/** Far above what anything takes: a process that is not let go is a failure. */
const PATIENCE_MS = 30000

export const transports = ['unix', 'tcp', 'ws']

/** Of a script: a listener that keeps the host busy for so many ms. */
export const WORK = `
ipcMain.on("work", function(_, ms)
  local uv = require "luv"
  local began = uv.hrtime()
  while uv.hrtime() - began < ms * 1000000 do end
end)
`

class Host {
  log = ''
  #process
  #folder
  #exit

  /** @param {string} script @param {string} config Lua source of further keys @param {Record<string, string>} pages by name */
  constructor(script, config, pages) {
    this.#folder = mkdtempSync(join(tmpdir(), 'ipchost-js-'))
    writeFileSync(join(this.#folder, 'main.lua'), script)
    writeFileSync(join(this.#folder, 'config.lua'),
      `return { listen = { "unix:run/app.sock", "tcp://127.0.0.1:0", "http://127.0.0.1:0" }, scripts = { "main.lua" }, public = "public", ${config} }\n`)
    mkdirSync(join(this.#folder, 'public'))
    for (const [name, text] of Object.entries(pages)) writeFileSync(join(this.#folder, 'public', name), text)
    this.#process = spawn(binary, [join(this.#folder, 'config.lua')], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stderr.on('data', (text) => { this.log += text })
    this.#exit = once(this.#process, 'close')
  }

  async ready() {
    let out = ''
    for await (const chunk of this.#process.stdout) {
      out += chunk
      if (out.includes('\n')) break
    }
    const [, unix, tcp, http] = /^ipchost ready (unix:\S+) (tcp:\S+) (http:\S+)\n$/.exec(out) ?? []
    if (!http) throw new Error(`the host did not get ready: ${out}${this.log}`)
    this.address = { unix, tcp, ws: http.replace('http:', 'ws:') }
    /** Where its pages are, without a slash at the end. */
    this.url = http
    return this
  }

  /**
   * Resolves once the log, which is written behind what it tells of, has the text.
   * @param {RegExp} pattern
   */
  async waitLog(pattern) {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    while (!pattern.test(this.log)) await once(this.#process.stderr, 'data', { signal })
  }

  /** Bytes of memory that it has now, and the most that it has had. */
  memory() {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')
    const [now, most] = ['VmRSS', 'VmHWM'].map((name) => 1024 * Number(new RegExp(`${name}:\\s*(\\d+)`).exec(status)?.[1]))
    return { now, most }
  }

  /** Ends it as an operator does; it must end well. */
  async stop() {
    this.#process.kill('SIGTERM')
    const [code, signal] = await this.#exit
    rmSync(this.#folder, { recursive: true })
    if (code !== 0) throw new Error(`the host ended with ${code}, signal ${signal}:\n${this.log}`)
  }

  /** Ends it without any farewell. */
  async kill() {
    this.#process.kill('SIGKILL')
    await this.#exit
    rmSync(this.#folder, { recursive: true })
  }
}

/**
 * @param {string} script of its main.lua
 * @param {string} [config]
 * @param {Record<string, string>} [pages] files that it serves
 */
export async function startHost(script, config = '', pages = {}) {
  return new Host(script, config, pages).ready()
}

/**
 * Runs a script of ES modules in a Node of its own, with the host's address as its $IPCHOST_ADDRESS.
 * @param {string} source
 * @param {string} address
 * @param {Record<string, string>} [env] of it besides
 */
export async function runNode(source, address, env = {}) {
  const entry = new URL('../../index.js', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', source.replaceAll("'ipchost'", `'${entry}'`)], {
    env: { ...process.env, ...env, IPCHOST_ADDRESS: address, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => { out += text })
  child.stderr.on('data', (text) => { err += text })
  const [code] = await once(child, 'close')
  return { code, out, err }
}
