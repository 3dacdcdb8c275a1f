/** Values from a page to a host and back: exact, and what Lua saw of each. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'
import { vectors } from '../support/same.js'
import { echoScript, kinds, seen } from '../support/value-table.js'

const browser = useChromium()
const { valid } = vectors('values')

describe('values in Chromium', () => {
  let host, differences, answers
  before(async () => {
    host = await startHost(echoScript, '', pages)
    const page = await browser.open(`${host.url}/module.html`)
    await page.waitForFunction(() => window.ipchost && window.difference)
    differences = await page.evaluate((sources) => Promise.all(sources.map(async (js) => {
      const answer = await window.ipchost.ipcRenderer.invoke('echo', window.valueOf(js)).catch((error) => ({ failed: error.code }))
      return answer?.failed ?? window.difference(window.sorted(answer), window.sorted(window.valueOf(js)))
    })), valid.map(({ js }) => js))
    const questions = [...kinds.map(([js]) => ['type', js]), ...seen.map(([js, lua]) => ['see', js, lua])]
    answers = await page.evaluate((each) => Promise.all(each.map(async ([channel, js, lua]) => {
      return window.ipchost.ipcRenderer.invoke(channel, window.valueOf(js), lua)
    })), questions)
  })
  after(() => host.stop())

  valid.forEach(({ name }, i) => {
    // Two levels less than the deepest, for the arguments around it.
    const expected = name.includes('the deepest') ? 'ERR_LIMIT_NESTING' : undefined
    test(`there and back: ${name}`, () => assert.equal(differences[i], expected))
  })

  kinds.forEach(([js, kind], i) => test(`the kind of ${js}`, () => assert.equal(answers[i], kind)))

  seen.forEach(([js, lua, expected], i) => {
    test(`of ${js} Lua sees ${lua}`, () => assert.deepEqual(answers[kinds.length + i], expected))
  })
})
