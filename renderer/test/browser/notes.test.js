/** The example application's notes in Chromium: what one page does, and what the others see. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Application } from '../support/application.js'
import { add, connection, note } from '../support/application-page.js'
import { useChromium } from '../support/chromium.js'

const browser = useChromium()
const application = new Application()

before(() => application.start())
after(() => application.end())

const notesOf = (page) => page.locator('.note p.text').allTextContents()

test('adds, edits, searches and deletes notes, and takes a deletion back', async () => {
  const page = await browser.open(application.url)
  await add(page, 'milk & <b>bread</b>')
  await add(page, 'a second disk\nfor the build machine')
  assert.deepEqual(await notesOf(page), ['a second disk\nfor the build machine', 'milk & <b>bread</b>'])
  assert.equal(await page.getByLabel('New note').inputValue(), '')

  await page.getByRole('button', { name: 'Edit: milk' }).click()
  await page.getByLabel('Text of the note').fill('oat milk')
  await page.getByRole('button', { name: 'Save' }).click()
  await note(page, 'oat milk').getByRole('button', { name: 'Edit: oat milk' }).waitFor()
  await page.locator('.note:first-child', { hasText: 'oat milk' }).waitFor()

  await page.getByLabel('Search the notes').fill('DISK second')
  await page.locator('#notes-count', { hasText: '1 found' }).waitFor()
  assert.deepEqual(await page.locator('.note mark').allTextContents(), ['second', 'disk'])
  await page.getByLabel('Search the notes').fill('nowhere')
  await page.getByText('No note has these words.').waitFor()
  await page.getByLabel('Search the notes').fill('')

  await page.getByRole('button', { name: 'Delete: oat milk' }).click()
  await note(page, 'oat milk').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await note(page, 'oat milk').waitFor()
})

test('follows what another page does', async () => {
  const one = await browser.open(application.url)
  const other = await browser.open(application.url)
  await connection(other, 'Live')
  await other.locator('.note, #note-none:not([hidden])').first().waitFor()
  await add(one, 'seen by all')
  await note(other, 'seen by all').waitFor()
  await other.getByText('A note was added on another page').waitFor()
  await note(one, 'seen by all').getByRole('button', { name: 'Edit' }).click()
  await one.getByLabel('Text of the note').fill('changed for all')
  await one.keyboard.press('Control+Enter')
  await note(other, 'changed for all').waitFor()
  await note(one, 'changed for all').getByRole('button', { name: 'Delete' }).click()
  await note(other, 'changed for all').waitFor({ state: 'detached' })
})

test('keeps what is being edited when another page changes it or deletes it', async () => {
  const one = await browser.open(application.url)
  const other = await browser.open(application.url)
  await add(one, 'of two minds')
  await note(other, 'of two minds').getByRole('button', { name: 'Edit' }).click()
  await other.getByLabel('Text of the note').fill('mine')
  await note(one, 'of two minds').getByRole('button', { name: 'Edit' }).click()
  await one.getByLabel('Text of the note').fill('yours')
  await one.getByRole('button', { name: 'Save' }).click()
  await other.getByText('Changed on another page meanwhile').waitFor()
  await note(one, 'yours').getByRole('button', { name: 'Delete' }).click()
  await other.getByText('Deleted on another page meanwhile').waitFor()
  assert.equal(await other.getByLabel('Text of the note').inputValue(), 'mine')
  await other.getByRole('button', { name: 'Save' }).click()
  await note(one, 'mine').waitFor()
  assert.equal(await note(other, 'mine').count(), 1)
})

test('shows what a handler refuses', async () => {
  const page = await browser.open(application.url)
  await connection(page, 'Live')
  await page.getByRole('button', { name: 'Add' }).click()
  const alert = page.getByRole('alert')
  await alert.filter({ hasText: 'a note cannot be empty NOTE_TEXT' }).waitFor()
  await add(page, 'not empty')
  await alert.waitFor({ state: 'hidden' })
})
