/** What `ipchost init` makes, in Chromium: two pages share a count. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Application, initProject } from '../support/application.js'
import { useChromium } from '../support/chromium.js'

const browser = useChromium()

test('a new project serves a page that works', async (t) => {
  // While there is no host, the browser itself says so.
  browser.expect(/ERR_CONNECTION_REFUSED/)
  const application = new Application({ scripts: '{ "new/scripts/main.lua" }', public: '"new/public"' })
  t.after(() => application.end())
  initProject(join(application.folder, 'new'))
  await application.start()
  const one = await browser.open(application.url)
  const other = await browser.open(application.url)
  await other.locator('#count', { hasText: '0' }).waitFor()
  await one.getByRole('button', { name: 'One more' }).click()
  await one.getByRole('button', { name: 'One more' }).click()
  await other.locator('#count', { hasText: '2' }).waitFor()
  await other.getByRole('button', { name: 'One less' }).click()
  await one.locator('#count', { hasText: /^1$/ }).waitFor()
  assert.equal(await one.locator('#state').textContent(), 'Connected')
  await application.stop()
  await one.getByText('The host is gone').waitFor()
  await application.start()
  await one.getByText('Connected').waitFor()
  await browser.closePages()
})

test('what is saved of a new project is live: its script, and its page', async (t) => {
  const keys = { scripts: '{ "new/scripts/main.lua" }', public: '"new/public"', watch: 'true', dev: 'true' }
  const application = new Application(keys)
  t.after(() => application.end())
  const folder = join(application.folder, 'new')
  initProject(folder)
  await application.start()
  const page = await browser.open(application.url)
  await page.getByText('Connected').waitFor()
  const html = readFileSync(join(folder, 'public/index.html'), 'utf8')
  // At once, as editors save: a page that saw two changes would load once more, and forget what is asked of it below.
  writeFileSync(join(folder, 'saved'), html.replace('</body>', '<p>Saved anew</p></body>'))
  renameSync(join(folder, 'saved'), join(folder, 'public/index.html'))
  await page.getByText('Saved anew').waitFor()
  await page.getByText('Connected').waitFor()
  await page.evaluate(async () => {
    const { ipcRenderer } = await import('/ipchost/renderer.js')
    window.reloaded = new Promise((resolve) => { ipcRenderer.once('ipchost:reloaded', () => resolve(true)) })
  })
  appendFileSync(join(folder, 'scripts/main.lua'), `
    ipcMain.removeHandler("count:add")
    ipcMain.handle("count:add", function() webContents.broadcast("count:changed", 42) end)`)
  assert.equal(await page.evaluate(() => window.reloaded), true)
  await page.getByRole('button', { name: 'One more' }).click()
  await page.locator('#count', { hasText: /^42$/ }).waitFor()
  await browser.closePages()
})
