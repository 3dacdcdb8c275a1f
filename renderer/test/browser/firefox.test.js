/** Values from a page in Firefox to a host and back: exact, and what Lua saw of each. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { openFirefox } from '../support/firefox.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'
import { vectors } from '../support/same.js'
import { echoScript, kinds, seen } from '../support/value-table.js'

const { valid } = vectors('values')
const questions = [...kinds.map(([js]) => ['type', js]), ...seen.map(([js, lua]) => ['see', js, lua])]

/** The page asks what to do, and the test what came of it. */
const reportScript = `${echoScript}
local asked, ask = Promise.withResolvers()
local reported, report = Promise.withResolvers()
ipcMain.on("ask", function(_, questions) ask(questions) end)
ipcMain.handle("asked", function() return asked end)
ipcMain.on("report", function(_, answers) report(answers) end)
ipcMain.handle("reported", function() return reported end)
`

describe('values in Firefox', () => {
  let host, renderer, closeFirefox, differences, answers
  before(async () => {
    host = await startHost(reportScript, '', pages)
    renderer = await connect(host.address.tcp)
    renderer.ipcRenderer.send('ask', { sources: valid.map(({ js }) => js), questions })
    closeFirefox = openFirefox(`${host.url}/report.html`)
    const reported = await renderer.ipcRenderer.with({ timeout: 60000 }).invoke('reported')
    assert.match(reported.agent, /Firefox/)
    differences = reported.differences
    answers = reported.answers
  })
  after(async () => {
    await closeFirefox?.()
    renderer?.close()
    await host.stop()
  })

  valid.forEach(({ name }, i) => {
    // Two levels less than the deepest, for the arguments around it.
    const expected = name.includes('the deepest') ? 'ERR_LIMIT_NESTING' : null
    test(`there and back: ${name}`, () => assert.equal(differences[i], expected))
  })

  kinds.forEach(([js, kind], i) => test(`the kind of ${js}`, () => assert.equal(answers[i], kind)))

  seen.forEach(([js, lua, expected], i) => {
    test(`of ${js} Lua sees ${lua}`, () => assert.deepEqual(answers[kinds.length + i], expected))
  })
})
