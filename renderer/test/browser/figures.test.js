/** The example application's figures in Chromium: charts that move, and the widget in a frame. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Application } from '../support/application.js'
import { connection, moves } from '../support/application-page.js'
import { useChromium } from '../support/chromium.js'

const browser = useChromium()
const application = new Application()

before(() => application.start())
after(() => application.end())

test('draws figures that move', async () => {
  const page = await browser.open(application.url)
  await connection(page, 'Live')
  for (const figure of ['cpu', 'memory', 'network', 'disk']) await moves(page, figure)
  assert.match(await page.locator('[data-figure=memory] [data-reading]').textContent(), /^[\d.]+[KMGT]iB of [\d.]+ [MGT]iB$/)
  assert.match(await page.locator('[data-figure=cpu] svg').getAttribute('aria-label'), /^Share of the processors that is used: now \d+ %/)
  await page.locator('#processes tr').first().waitFor()
  assert.ok((await page.locator('.cores li').count()) >= 1)
})

test('has something to draw when it opens', async () => {
  const first = await browser.open(application.url)
  await first.locator('[data-figure=cpu] path.line[d*="L"]').waitFor({ state: 'attached' })
  const points = (page) => page.locator('[data-figure=cpu] path.line').getAttribute('d').then((d) => d.split('L').length)
  await first.waitForFunction(() => document.querySelector('[data-figure=cpu] path.line').getAttribute('d').split('L').length > 5)
  const second = await browser.open(application.url)
  await second.locator('[data-figure=cpu] path.line[d*="L"]').waitFor({ state: 'attached' })
  assert.ok((await points(second)) > 5)
})

test('says what was drawn where the pointer is', async () => {
  const page = await browser.open(application.url)
  await page.waitForFunction(() => document.querySelector('[data-figure=memory] path.line').getAttribute('d')?.split('L').length > 10)
  const chart = await page.locator('[data-figure=memory] [data-chart]').boundingBox()
  await page.mouse.move(chart.x + chart.width - 8, chart.y + 20)
  await page.locator('[data-figure=memory] [data-reading]', { hasText: 'ago' }).waitFor()
})

test('has a widget in a frame with a connection of its own, which belongs to the page', async () => {
  const page = await browser.open(application.url)
  const widget = page.frameLocator('iframe.widget')
  await widget.locator('#reading', { hasText: 'half of them within' }).waitFor()
  await widget.locator('#frames', { hasText: /^2$/ }).waitFor()
  await widget.locator('#pages', { hasText: /^1$/ }).waitFor()
  assert.match(await widget.locator('#memory').textContent(), /^[\d.]+ [KM]iB$/)
})
