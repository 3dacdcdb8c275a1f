/** Pages that hold the package against a host: as modules and as a classic script, each under a strict policy. */
import { readFileSync } from 'node:fs'
import { kinds, seen } from './value-table.js'
import { vectors } from './same.js'

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8')

const page = (title, scripts) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'">
<link rel="icon" href="icon.svg">
<title>${title}</title>
${scripts}
<script type="module" src="values.js"></script>
</html>
`

/** A policy without eval: what is to be evaluated in the page comes as a module. */
function valuesModule() {
  const sources = new Set([...vectors('values').valid, ...[...kinds, ...seen].map(([js]) => ({ js }))].map(({ js }) => js))
  const rows = [...sources].map((js) => `  [${JSON.stringify(js)}, () => (${js}\n)],`)
  return `import { difference, sorted } from './difference.js'
const values = new Map([
${rows.join('\n')}
])
Object.assign(window, { difference, sorted, valueOf: (js) => values.get(js)() })
`
}

/** Says over the connection itself what `valuesModule` and the package make of all values: for browsers that no driver asks. */
const reportModule = `import { ipcRenderer } from '/ipchost/renderer.js'
await import('./values.js')
const { difference, sorted, valueOf } = window
async function thereAndBack(js) {
  const answer = await ipcRenderer.invoke('echo', valueOf(js)).catch((error) => ({ failed: error.code }))
  return answer?.failed ?? difference(sorted(answer), sorted(valueOf(js))) ?? null
}
const { sources, questions } = await ipcRenderer.invoke('asked')
const differences = await Promise.all(sources.map(thereAndBack))
const answers = await Promise.all(questions.map(([channel, js, lua]) => ipcRenderer.invoke(channel, valueOf(js), lua)))
ipcRenderer.send('report', { differences, answers, agent: navigator.userAgent })
`

/** By name: module.html and classic.html, both of which set window.ipchost, and what they load. */
export const pages = {
  'module.html': page('A page of modules', '<script type="module" src="module.js"></script>'),
  'module.js': `import { connect, ipcRenderer, renderer, webFrame } from '/ipchost/renderer.js'
window.ipchost = { connect, ipcRenderer, renderer, webFrame }
`,
  'classic.html': page('A classic page', '<script src="/ipchost/renderer.classic.js"></script>'),
  'worker.js': `import { ipcRenderer } from '/ipchost/renderer.js'
onmessage = async ({ data }) => postMessage(await ipcRenderer.invoke(...data))
`,
  'report.html': page('A page that reports', '<script type="module" src="report.js"></script>'),
  'report.js': reportModule,
  'values.js': valuesModule(),
  'difference.js': read('difference.js'),
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
}
