/** What `ipchost init` makes, in Chromium: two pages share a count. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Application, initProject } from '../support/application.js'
import { useChromium } from '../support/chromium.js'

const browser = useChromium()

test('a new project serves a page that works', async (t) => {
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
  await browser.closePages()
  await application.start()
})
