/** A page with frames of every kind: each shows what it is and what the host answers, the page shows the tree as Lua prints it. */

export const treeScript = `
  local function line(frame, depth)
    local name = frame.name == "" and "page" or frame.name
    return ("  "):rep(depth) .. name .. " " .. frame.origin
  end
  local function print_tree(frame, depth, out)
    out[#out + 1] = line(frame, depth)
    for _, child in ipairs(frame.frames) do print_tree(child, depth + 1, out) end
    return out
  end
  ipcMain.handle("tree", function(event) return table.concat(print_tree(event.sender.mainFrame, 0, {}), "\\n") end)
  ipcMain.handle("preorder", function(event)
    local names = {}
    for i, frame in ipairs(event.sender.mainFrame.framesInSubtree) do names[i] = frame.name end
    return ipc.Array(names)
  end)
  local created, made = {}, 0
  app.on("web-contents-created", function(_, contents)
    made = made + 1
    contents:on("frame-created", function(_, details) created[details.frame.name] = contents.id end)
  end)
  local function place(parent)
    if not parent then return "nothing" end
    return parent.name == "" and "the page" or parent.name
  end
  ipcMain.on("hello", function(event, kind)
    event:reply("reply", ("hello %s, below %s"):format(kind, place(event.senderFrame.parent)))
    event.sender:send("heard", kind)
  end)
  ipcMain.handle("about", function(event)
    local frame = event.senderFrame
    return { url = frame.url, origin = frame.origin, contents = event.sender.id, process = event.processId,
      own = event.sender.mainFrame == frame, top = frame.top.name, parent = frame.parent and frame.parent.name,
      created = created[frame.name] }
  end)
  -- How many there ever were.
  ipcMain.handle("made", function() return made end)
  ipcMain.handle("contents", function() return #webContents.getAllWebContents() end)
  ipcMain.on("sync", function(event) event.returnValue = event.senderFrame.name end)
  -- How long it takes, in ms, until the named frame is gone; it is taken away after "watching" was heard.
  ipcMain.handle("until gone", function(event, name)
    local uv = require "luv"
    for _, frame in ipairs(event.sender.mainFrame.framesInSubtree) do
      if frame.name == name then
        event:reply("watching")
        local from = uv.hrtime()
        while not frame:isDestroyed() do async.sleep(1) end
        return (uv.hrtime() - from) / 1e6
      end
    end
    error("no frame " .. name)
  end)
  ipcMain.handle("close", function(event) event.sender:close() end)
`

const frame = (body = '') => `<!doctype html>
<meta charset="utf-8">
<link rel="stylesheet" href="/tree.css">
<body class="frame">
<h2></h2><p class="reply">no reply yet</p>${body}
<script src="/ipchost/renderer.classic.js"></script>
<script src="/frame.js"></script>
`

const card = (title, content) => `<figure><figcaption>${title}</figcaption>${content}</figure>`
const escaped = (html) => html.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

/** @param {string} other another origin of the same host */
const treePage = (other) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/tree.css">
<title>A tree of frames</title>
<script src="/ipchost/renderer.classic.js"></script>
<h1>A tree of frames</h1>
<main>
${card('same origin', '<iframe name="same" src="/frame.html"></iframe>')}
${card('another origin', `<iframe name="cross" src="${other}/frame.html"></iframe>`)}
${card('nested', '<iframe name="nested" src="/nested.html"></iframe>')}
${card('srcdoc', `<iframe name="srcdoc" srcdoc="${escaped(frame())}"></iframe>`)}
${card('sandboxed', '<iframe name="sandboxed" sandbox="allow-scripts" src="/frame.html"></iframe>')}
${card('in a shadow root', '<div id="shadow"></div>')}
${card('before its parent', '<iframe name="late" src="/late.html"></iframe>')}
<section><h2>The tree, as Lua prints it</h2><pre id="tree"></pre><h2>The page has heard of</h2><p id="heard"></p></section>
</main>
<script type="module" src="/tree.js"></script>
</html>
`

/** A page that is no renderer, with one frame; or one that is. */
const plainPage = (src, script = '') => `<!doctype html>
<link rel="icon" href="/icon.svg">
<title>A page around a frame</title>
<iframe name="alone" src="${src}"></iframe>
${script}
`

/** Pages of another host around a frame of the one at `url`. */
export const foreignPages = (url) => ({
  'plain.html': plainPage(`${url}/frame.html`),
  'renderer.html': plainPage(`${url}/frame.html`, '<script src="/ipchost/renderer.classic.js"></script>'),
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
})

/** By name. */
export const treePages = (other) => ({
  'plain.html': plainPage('/frame.html'),
  'tree.html': treePage(other),
  'tree.js': `const { ipcRenderer } = window.ipchost
const shadow = document.querySelector('#shadow').attachShadow({ mode: 'closed' })
shadow.innerHTML = '<style>iframe { border: 0; width: 100%; height: 9rem }</style><iframe name="shadow" src="/frame.html"></iframe>'
window.removals = { shadow: () => shadow.querySelector('iframe').remove() }
const heard = new Set()
ipcRenderer.on('heard', async (event, kind) => {
  heard.add(kind)
  document.querySelector('#heard').textContent = [...heard].sort().join(', ')
  document.querySelector('#tree').textContent = await ipcRenderer.invoke('tree')
})
addEventListener('message', ({ data, source }) => { if (data === 'echo?') source.postMessage('echo', '*') })
`,
  'frame.html': frame(),
  'nested.html': frame('<iframe name="inner" src="/frame.html"></iframe>'),
  // Its renderer comes when the document in it has asked for its place.
  'late.html': frame()
    .replace('<script src="/ipchost/renderer.classic.js"></script>\n<script src="/frame.js"></script>', '<script type="module" src="/late.js"></script>'),
  'late.js': `const sources = await Promise.all(['/ipchost/renderer.classic.js', '/frame.js'].map(async (path) => (await fetch(path)).text()))
const asked = ({ data }) => {
  if (data?.ipchost !== 'ticket') return
  removeEventListener('message', asked)
  for (const textContent of sources) document.body.append(Object.assign(document.createElement('script'), { textContent }))
}
addEventListener('message', asked)
document.body.append(Object.assign(document.createElement('iframe'), { name: 'early', src: '/frame.html' }))
`,
  'frame.js': `{
  const { ipcRenderer } = window.ipchost
  document.querySelector('h2').textContent = name
  try {
    ipcRenderer.sendSync('sync')
  } catch (error) {
    window.early = error.code + ' ' + error.message
  }
  ipcRenderer.on('reply', (event, text) => { document.querySelector('.reply').textContent = text })
  ipcRenderer.send('hello', name)
  window.ipchost.renderer.once('connection', () => { window.connectedAt = performance.now() })
}
`,
  'tree.css': `body { font: 16px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #1d2430; background: #f4f6f9 }
h1 { margin: 0 0 1rem }
main { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1rem }
figure, section { margin: 0; padding: .75rem; background: #fff; border: 1px solid #d5dbe5; border-radius: 8px }
section { grid-column: 1 / -1 }
figcaption { font-weight: 600; color: #3b4a63 }
iframe { border: 0; width: 100%; height: 9rem }
pre, p { margin: 0 }
.frame { margin: .25rem; background: #fff }
.frame h2 { margin: 0; font-size: 1.1rem }
.frame iframe { height: 4.5rem; border-left: 3px solid #8aa4d6; padding-left: .5rem; box-sizing: border-box }
`,
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
})
