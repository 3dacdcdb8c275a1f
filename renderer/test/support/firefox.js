/** Debian's Firefox, which no driver leads here: it opens a page, and that page says over its connection what is to be known. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const preferences = {
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': '',
  'toolkit.telemetry.enabled': false,
}

/**
 * Opens a page in a Firefox of its own.
 * @param {string} url
 * @returns {() => Promise<void>} ends it
 */
export function openFirefox(url) {
  const profile = mkdtempSync(join(tmpdir(), 'ipchost-firefox-'))
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
  writeFileSync(join(profile, 'user.js'), lines.join(''))
  const firefox = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', profile, url], {
    env: { ...process.env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: '1' },
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(firefox, 'close')
  return async () => {
    // Its processes are a group; what is left of it would hold the profile.
    process.kill(-(/** @type {number} */ (firefox.pid)), 'SIGKILL')
    await ended
    rmSync(profile, { recursive: true, maxRetries: 10 })
  }
}
