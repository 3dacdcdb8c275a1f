/** What specs do with the page of the example application. */

/** The item of the note that has this text. */
export const note = (page, text) => page.locator('.note', { hasText: text })

export async function add(page, text) {
  await page.getByLabel('New note').fill(text)
  await page.getByRole('button', { name: 'Add' }).click()
  await note(page, text).waitFor()
}

/** Resolves once what the connection is said to be has this text. */
export const connection = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor()

/** Resolves once the chart of a figure is another than now. */
export async function moves(page, figure) {
  const line = page.locator(`[data-figure=${figure}] path.line`).first()
  const before = await line.getAttribute('d')
  await line.and(page.locator(`path:not([d="${before}"])`)).waitFor({ state: 'attached' })
}
