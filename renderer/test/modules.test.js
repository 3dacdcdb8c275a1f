/** What lets the modules be joined into one classic script. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { runNode } from './support/host.js'

const folder = new URL('../', import.meta.url)
const modules = new Map(readdirSync(folder).filter((name) => name.endsWith('.js')).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]))
/** Only these may know Node; they are no part of the classic script. */
const NODE_ONLY = new Set(['electron-node.js', 'index.js', 'node-blocking-link.js', 'node-blocking-socket.js', 'node-engine.js', 'node-socket-worker.js', 'node-stdio.js', 'node-stream.js', 'node-sync-lane.js', 'node-socket-thread.js', 'node-web-socket.js', 'socket-error.js', 'web-socket-frames.js', 'web-socket-upgrade.js'])
/** What a platform, or a thread of it, begins with; no two are loaded together. */
const ENTRIES = ['index.js', 'renderer.js', 'node-socket-thread.js']
/** Other names of the entries' exports, which are no part of the classic script. */
const ALIASES = ['electron-node.js', 'electron.js']
const IMPORT = /^import \{ [\w, ]+ \} from '(\.\/[\w-]+\.js)'$/

const importsOf = (text) => text.split('\n').filter((line) => line.startsWith('import '))

/** The modules that an entry consists of. */
function closureOf(entry, found = new Set()) {
  found.add(entry)
  for (const line of importsOf(modules.get(entry))) {
    const target = IMPORT.exec(line)?.[1].slice(2)
    if (target && !found.has(target)) closureOf(target, found)
  }
  return found
}

test('both entries load where there is no MessagePort, as in documents that are not a browser\'s', async () => {
  for (const entry of ['index.js', 'renderer.js']) {
    const { out, err } = await runNode(`
      delete globalThis.MessagePort
      const { ipcRenderer } = await import('${new URL(entry, folder).href}')
      console.log(typeof ipcRenderer.send)
      process.exit()`, 'unix:/none')
    assert.deepEqual([out, err], ['function\n', ''])
  }
})

test('imports are named, relative and on one line; exports stand before declarations', () => {
  for (const [name, text] of modules) {
    for (const line of importsOf(text)) {
      const [, target] = IMPORT.exec(line) ?? []
      if (target) assert.ok(modules.has(target.slice(2)), `${name}: ${line}`)
      else assert.ok(NODE_ONLY.has(name) && /^import \{ [\w, ]+( as \w+)? \} from 'node:\w+'$/.test(line), `${name}: ${line}`)
    }
    for (const line of text.split('\n')) {
      if (/^export\b/.test(line)) assert.match(line, /^export (async )?(class|function|const) \w+/, `${name}: ${line}`)
    }
    const code = text.replace(/\/\*[^]*?\*\//g, '')
    assert.doesNotMatch(code, /^await |\bimport\(|\beval\(|new Function\(/m, name)
  }
})

test('only the modules for Node import modules for Node', () => {
  for (const [name, text] of modules) {
    if (NODE_ONLY.has(name)) continue
    for (const line of importsOf(text)) assert.ok(!NODE_ONLY.has(IMPORT.exec(line)[1].slice(2)), `${name}: ${line}`)
  }
})

test('names at the top are unique across modules', () => {
  for (const entry of ENTRIES) checkNames(closureOf(entry))
})

test('each module is of use to an entry', () => {
  const used = new Set([...ENTRIES, ...ALIASES].flatMap((entry) => [...closureOf(entry)]))
  assert.deepEqual([...modules.keys()].filter((name) => !used.has(name)), [])
})

function checkNames(names) {
  const owners = new Map()
  for (const name of names) {
    const text = modules.get(name)
    for (const [, one, several] of text.matchAll(/^(?:export )?(?:async )?(?:class|function\*?|const|let|var) (?:([\w$]+)|\{ ([^}]*) \})/gm)) {
      for (const each of (one ?? several).split(', ')) {
        assert.ok(!owners.has(each), `${each} in ${name} and ${owners.get(each)}`)
        owners.set(each, name)
      }
    }
  }
}

test('imports make no cycle', () => {
  const done = new Set()
  const visit = (name, way) => {
    assert.ok(!way.includes(name), [...way, name].join(' -> '))
    if (done.has(name)) return
    for (const line of importsOf(modules.get(name))) {
      const target = IMPORT.exec(line)?.[1]
      if (target) visit(target.slice(2), [...way, name])
    }
    done.add(name)
  }
  for (const name of modules.keys()) visit(name, [])
})

test('each module begins by saying what it is', () => {
  for (const [name, text] of modules) assert.match(text, /^\/\*\*/, name)
})
