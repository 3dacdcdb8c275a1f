/** Hosts that serve pages: the example application, or what `ipchost init` makes. Each has a folder of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const binary = resolve(project, process.env.IPCHOST_BIN ?? 'build/ipchost')

export class Application {
  folder = mkdtempSync(join(tmpdir(), 'ipchost-app-'))
  log = ''
  url = ''
  #keys
  #port = 0
  #process
  #ended

  /** @param {Record<string, string>} [keys] of the config, as Lua source; those of the example application by default */
  constructor(keys = {}) {
    this.#keys = {
      scripts: `{ "${project}/scripts/main.lua" }`,
      public: `"${project}/scripts/public"`,
      settings: `{ database = "notes.db", interval = 100 }`,
      ...keys,
    }
  }

  /** Starts it, at the port where it was before. */
  async start() {
    const keys = Object.entries({ ...this.#keys, listen: `{ "http://127.0.0.1:${this.#port}" }` })
    const config = join(this.folder, 'config.lua')
    writeFileSync(config, `return { ${keys.map(([key, value]) => `${key} = ${value}`).join(', ')} }\n`)
    this.#process = spawn(binary, [config], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stderr.on('data', (text) => { this.log += text })
    this.#ended = once(this.#process, 'close')
    this.url = await this.#ready()
    this.#port = Number(new URL(this.url).port)
    return this
  }

  async #ready() {
    let out = ''
    for await (const chunk of this.#process.stdout) {
      out += chunk
      if (out.includes('\n')) break
    }
    const [, url] = /^ipchost ready (http:\S+)\n$/.exec(out) ?? []
    if (!url) throw new Error(`the host did not get ready: ${out}${this.log}`)
    return url
  }

  /** Ends it as an operator does; it must end well. */
  async stop() {
    this.#process.kill('SIGTERM')
    const [code, signal] = await this.#ended
    if (code !== 0) throw new Error(`the host ended with ${code}, signal ${signal}:\n${this.log}`)
  }

  async end() {
    await this.stop()
    rmSync(this.folder, { recursive: true })
  }
}

/** What `ipchost init` makes in a folder below that of the application. */
export function initProject(folder) {
  const { status, stderr } = spawnSync(binary, ['init', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ipchost init ended with ${status}: ${stderr}`)
}

/**
 * Locks a database from another process.
 * @param {string} path
 * @returns {Promise<() => Promise<void>>} lets it go
 */
export async function lockDatabase(path) {
  const holder = spawn('lua5.4', ['-e', `
    local connection = assert(require("DBI").Connect("SQLite3", ${JSON.stringify(path)}))
    connection:autocommit(true)
    local statement = assert(connection:prepare("BEGIN EXCLUSIVE"))
    assert(statement:execute())
    io.write("locked") io.flush() io.read()`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  await Promise.race([once(holder.stdout, 'data'), ended.then(() => Promise.reject(new Error('the database was not locked')))])
  return async () => {
    holder.stdin.end()
    await ended
  }
}
