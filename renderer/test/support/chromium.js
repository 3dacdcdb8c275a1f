/** Debian's Chromium for the specs of pages. What a page says in its console is a failure, and so is a violation of its policy. */
import assert from 'node:assert/strict'
import { after, afterEach, before } from 'node:test'
import { chromium } from 'playwright-core'

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
]

/**
 * Keeps Playwright from having every WebSocket frame and every request body of the page copied to itself, which takes ten times as
 * long as what it tells of. It has no public way to say so.
 */
async function quieten(page) {
  const network = page._connection.toImpl(page).delegate._networkManager
  network.addSession = async () => {}
  await Promise.all([...network._sessions.keys()].map((session) => session.send('Network.disable')))
}

/**
 * A browser for the specs of a file: `open(url, options)` opens a page in a context of its own, `openWatched` one whose requests can be
 * seen and answered, `closePages()` closes them all.
 * After each spec pages must have complained of nothing but what `expect(pattern)` said.
 */
export function useChromium(options) {
  let chromiumProcess
  let complaints = /** @type {string[]} */ ([])
  let expected = /** @type {RegExp | undefined} */ (undefined)

  before(async () => {
    chromiumProcess = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS, ...options })
  })
  after(() => chromiumProcess.close())
  afterEach(async () => {
    await closePages()
    const unexpected = complaints.filter((text) => !expected?.test(text))
    complaints = []
    expected = undefined
    assert.deepEqual(unexpected, [])
  })

  function expect(pattern) {
    expected = pattern
  }

  async function closePages() {
    await Promise.all(chromiumProcess.contexts().map((each) => each.close()))
  }

  /** @param {object} [options] playwright's */
  async function context(options) {
    const made = await chromiumProcess.newContext(options)
    made.setDefaultTimeout(20000)
    made.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    made.on('weberror', (failure) => complaints.push(failure.error().message))
    return made
  }

  async function openWatched(url, options) {
    const page = await (await context(options)).newPage()
    await page.goto(url)
    return page
  }

  async function open(url, options) {
    const page = await openWatched(url, options)
    await quieten(page)
    return page
  }

  return { open, openWatched, closePages, expect }
}
