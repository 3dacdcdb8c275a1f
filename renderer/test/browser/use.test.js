/** The example application in Chromium, as people use it: with the keyboard, with a screen reader, on a narrow screen. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Application } from '../support/application.js'
import { add, connection, note } from '../support/application-page.js'
import { useChromium } from '../support/chromium.js'

const browser = useChromium()
const application = new Application()

before(() => application.start())
after(() => application.end())

test('is used with the keyboard alone', async () => {
  const page = await browser.open(application.url)
  const focused = (selector) => page.waitForFunction((wanted) => document.activeElement.matches(wanted), selector)
  await connection(page, 'Live')
  await page.keyboard.press('n')
  await page.keyboard.type('typed first')
  await page.keyboard.press('Control+Enter')
  await note(page, 'typed first').waitFor()
  await page.keyboard.type('typed second')
  await page.keyboard.press('Control+Enter')
  await note(page, 'typed second').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('/')
  await focused('#search-text')
  await page.keyboard.type('typed')
  await page.locator('#notes-count', { hasText: '2 found' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await focused('.note:first-child')
  await page.keyboard.press('ArrowDown')
  await focused('.note:nth-child(2)')
  await page.keyboard.press('e')
  await focused('.note textarea')
  await page.keyboard.press('End')
  await page.keyboard.type(' and edited')
  await page.keyboard.press('Control+Enter')
  await note(page, 'typed first and edited').locator('mark').waitFor()
  await focused('.note')
  await page.keyboard.press('e')
  await page.keyboard.type('never saved')
  await page.keyboard.press('Escape')
  await focused('.note')
  assert.equal(await note(page, 'never saved').count(), 0)
  await page.keyboard.press('Delete')
  await page.locator('#notes-count', { hasText: '1 found' }).waitFor()
  await focused('.note')
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

test('has landmarks, one heading, and a name for all that can be used', async () => {
  const page = await browser.open(application.url)
  await add(page, 'named')
  for (const role of ['banner', 'main', 'complementary', 'search']) assert.equal(await page.getByRole(role).count(), 1, role)
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
  await page.getByRole('region', { name: 'Notes' }).waitFor()
  const nameless = await page.getByRole('button', { name: /^$/ }).or(page.getByRole('textbox', { name: /^$/ })).count()
  assert.equal(nameless, 0)
})

test('has a way past the figures', async () => {
  const page = await browser.open(application.url)
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the notes')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'note-text')
})

for (const width of [400, 1280]) {
  test(`fits into ${width} pixels`, async () => {
    const page = await browser.open(application.url, { viewport: { width, height: 800 } })
    await add(page, `https://example.org/${width}/${'long/'.repeat(30)}`)
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.equal(wider, 0)
  })
}

test('answers the asynchronous example of Electron’s ipcMain document', async () => {
  const page = await browser.open(application.url)
  const reply = await page.evaluate(async () => {
    const { ipcRenderer } = await import('/ipchost/renderer.js')
    const answered = new Promise((resolve) => ipcRenderer.on('asynchronous-reply', (event, arg) => resolve(arg)))
    ipcRenderer.send('asynchronous-message', 'ping')
    return answered
  })
  assert.equal(reply, 'pong')
})
