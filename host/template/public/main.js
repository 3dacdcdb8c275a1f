// Ordinary Electron renderer code: ask with invoke, listen with on.
import { ipcRenderer, renderer } from '/ipchost/renderer.js'

const count = document.getElementById('count')
const state = document.getElementById('state')

const show = (value) => {
  count.textContent = value
}

const fail = (error) => {
  state.textContent = error.message
}

ipcRenderer.on('count:changed', (event, value) => show(value))

for (const button of document.querySelectorAll('[data-step]')) {
  button.addEventListener('click', () => {
    ipcRenderer.invoke('count:add', Number(button.dataset.step)).catch(fail)
  })
}

const begin = () => ipcRenderer.invoke('count:get').then((value) => {
  show(value)
  state.textContent = 'Connected'
}, fail)

begin()

// With `dev` and `watch` in the config: a file of the page has changed.
ipcRenderer.on('ipchost:public-changed', () => location.reload())

// A connection that is lost comes again by itself.
renderer.on('connection', (event) => {
  if (event.state === 'connected') begin()
  else state.textContent = 'The host is gone: this page comes back with it'
})
