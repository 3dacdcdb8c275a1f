/** The example application in Chromium, when its host or its database is not there. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Application, lockDatabase } from '../support/application.js'
import { add, connection, moves, note } from '../support/application-page.js'
import { useChromium } from '../support/chromium.js'

const browser = useChromium()

/** One that ends with the spec, after its pages. */
async function start(t, keys) {
  const application = new Application(keys)
  t.after(async () => {
    await browser.closePages()
    await application.end()
  })
  return application.start()
}

test('are back after a restart, with all notes and what was being written', async (t) => {
  // While there is no host, the browser itself says so.
  browser.expect(/ERR_CONNECTION_REFUSED/)
  const application = await start(t)
  const page = await browser.open(application.url)
  await add(page, 'to be kept')
  await page.getByLabel('New note').fill('half written')
  await application.stop()
  await connection(page, 'Connection lost')
  await application.start()
  await connection(page, 'Live')
  await note(page, 'to be kept').waitFor()
  assert.equal(await page.getByLabel('New note').inputValue(), 'half written')
})

test('say which database is locked, and save once it is not', async (t) => {
  const application = await start(t)
  const page = await browser.open(application.url)
  await add(page, 'before')
  const release = await lockDatabase(join(application.folder, 'notes.db'))
  await page.getByLabel('New note').fill('during')
  await page.getByRole('button', { name: 'Add' }).click()
  const alert = page.getByRole('alert')
  await alert.filter({ hasText: 'notes.db: database is locked SQLITE_BUSY' }).waitFor()
  await moves(page, 'cpu')
  await release()
  await note(page, 'during').waitFor()
  await alert.waitFor({ state: 'hidden' })
})

test('let go of what cannot be saved, and keep its text', async (t) => {
  const application = await start(t)
  const page = await browser.open(application.url)
  await add(page, 'before')
  const release = await lockDatabase(join(application.folder, 'notes.db'))
  await page.getByLabel('New note').fill('never')
  await page.getByRole('button', { name: 'Add' }).click()
  const alert = page.getByRole('alert')
  await alert.getByRole('button', { name: 'Try now' }).click()
  await alert.getByRole('button', { name: 'Give up' }).click()
  await alert.getByRole('button', { name: 'Give up' }).waitFor({ state: 'detached' })
  await alert.filter({ hasText: 'SQLITE_BUSY' }).waitFor()
  await release()
  assert.equal(await page.getByLabel('New note').inputValue(), 'never')
  await page.getByRole('button', { name: 'Add' }).click()
  await note(page, 'never').waitFor()
  await alert.waitFor({ state: 'hidden' })
  assert.equal(await note(page, 'never').count(), 1)
})

test('say which path is wrong, and go on once it is right', async (t) => {
  const application = await start(t, { settings: '{ database = "later/notes.db", interval = 100 }' })
  const page = await browser.open(application.url)
  const alert = page.getByRole('alert')
  await alert.filter({ hasText: 'later/notes.db: unable to open database file: No such file or directory SQLITE_CANTOPEN' }).waitFor()
  mkdirSync(join(application.folder, 'later'))
  await page.getByText('No notes yet').waitFor()
  await alert.waitFor({ state: 'hidden' })
})
