/** What index.d.ts allows and refuses; checked by tsc, never run. */
import { connect, ipcRenderer, renderer, webFrame } from '../../index.js'

interface Notes {
  send: { 'notes:seen': (id: number) => void }
  invoke: {
    'notes:add': (text: string) => Promise<number>
    'notes:list': () => { id: number; text: string }[]
  }
  sync: { 'notes:count': () => number }
  on: { 'notes:changed': (change: { id: number }) => void }
  handle: { 'notes:confirm': (text: string) => Promise<boolean> }
}

async function typed() {
  const notes = await connect<Notes>('unix:/run/app.sock', { url: 'app://notes', timeout: 100 })
  const id: number = await notes.ipcRenderer.invoke('notes:add', 'milk')
  const list: { id: number; text: string }[] = await notes.ipcRenderer.with({ timeout: 5 }).invoke('notes:list')
  const count: number = notes.ipcRenderer.sendSync('notes:count')
  const sent: boolean = notes.ipcRenderer.send('notes:seen', id + list.length + count)
  notes.ipcRenderer.on('notes:changed', (event, change) => event.sender.send('notes:seen', change.id)).once('notes:changed', () => {})
  const child = await notes.createFrame({ name: 'child' })
  child.ipcRenderer.send('notes:seen', sent ? 1 : 2)

  notes.ipcRenderer.handle('notes:confirm', (event, text) => !event.signal.aborted && text !== '').removeHandler('notes:confirm')
  notes.ipcRenderer.handleOnce('notes:confirm', async () => true)

  // @ts-expect-error the answer is a boolean
  notes.ipcRenderer.handle('notes:confirm', (event, text) => text)
  // @ts-expect-error no such channel
  notes.ipcRenderer.handle('notes:confrim', () => true)
  // @ts-expect-error no such channel
  notes.ipcRenderer.sendSync('notes:add')
  // @ts-expect-error no such channel
  await notes.ipcRenderer.invoke('notes:ad', 'milk')
  // @ts-expect-error the argument is a text
  await notes.ipcRenderer.invoke('notes:add', 1)
  // @ts-expect-error the result is a number
  const text: string = await notes.ipcRenderer.invoke('notes:add', 'milk')
  // @ts-expect-error a handler's channel is not a listener's
  notes.ipcRenderer.send('notes:add', text)
  // @ts-expect-error there is no such change
  notes.ipcRenderer.on('notes:changed', (event, change) => event.sender.send('notes:seen', change.text))
}

async function untyped() {
  const value = await ipcRenderer.invoke('anything', 1, 'a', {})
  value.whatever
  ipcRenderer.on('any', (event, a, b) => event.sender.send('x', a, b)).off('any', () => {})
  ipcRenderer.postMessage('x', value)
  // @ts-expect-error a channel is a text
  ipcRenderer.send(1)
  const { code, reason } = await renderer.closed
  renderer.on('connection', ({ state }) => state === 'closed' && console.log(code + 1, reason, webFrame.routingId))
}

void [typed, untyped]
