/** Types of ipchost. Channels are untyped unless a contract is given: `connect<Contract>(address)`. */

/** What a contract may say: the channels by how they are used, each as a function of its arguments. */
export interface Contract {
  /** `ipcRenderer.send` and the listeners of ipcMain. */
  send?: object
  /** `ipcRenderer.invoke` and the handlers of ipcMain; the result is what invoke resolves with. */
  invoke?: object
  /** `ipcRenderer.sendSync`. */
  sync?: object
  /** What the host sends: `ipcRenderer.on`. */
  on?: object
  /** What the host invokes: `ipcRenderer.handle`, each as a function of its arguments. */
  handle?: object
}

/** Every channel, any arguments. */
export interface Untyped extends Contract {
  send: Record<string, (...args: any[]) => void>
  invoke: Record<string, (...args: any[]) => any>
  sync: Record<string, (...args: any[]) => any>
  on: Record<string, (...args: any[]) => void>
  handle: Record<string, (...args: any[]) => any>
}

type Part<C, K extends keyof Contract> = C extends { [P in K]: infer T } ? T : Record<never, never>
type Channel<C, K extends keyof Contract> = keyof Part<C, K> & string
type Arguments<F> = F extends (...args: infer A) => any ? A : never
type Result<F> = F extends (...args: any[]) => infer R ? Awaited<R> : never

export interface IpcRendererEvent<C extends Contract = Untyped> {
  sender: IpcRenderer<C>
  /** Ports that came with the message. */
  ports: readonly MessagePort[]
}

export interface IpcRendererInvokeEvent<C extends Contract = Untyped> extends IpcRendererEvent<C> {
  /** Aborts when the host no longer wants the answer, or will not hear it. */
  signal: AbortSignal
}

/** Node's EventEmitter. A listener that throws stops nobody: what it threw is reported as uncaught. */
export interface Emitter<Names, Listener> {
  eventNames(): (Names | symbol)[]
  listenerCount(name: Names, listener?: Listener): number
  listeners(name: Names): Function[]
  rawListeners(name: Names): Function[]
  removeAllListeners(name?: Names): this
  setMaxListeners(count: number): this
  getMaxListeners(): number
  emit(name: Names, ...args: any[]): boolean
}

type IpcListener<C extends Contract, N extends Channel<C, 'on'>> = (
  event: IpcRendererEvent<C>,
  ...args: Arguments<Part<C, 'on'>[N]>
) => void

type Handler<C extends Contract, N extends Channel<C, 'handle'>> = (
  event: IpcRendererInvokeEvent<C>,
  ...args: Arguments<Part<C, 'handle'>[N]>
) => Result<Part<C, 'handle'>[N]> | PromiseLike<Result<Part<C, 'handle'>[N]>>

interface Calls<C extends Contract> {
  /**
   * Resolves with what the handler answered. Rejects with an Error `Error invoking remote method 'ch': Name: text` with
   * the name, code, data and cause of what the handler raised.
   */
  invoke<N extends Channel<C, 'invoke'>>(
    channel: N,
    ...args: Arguments<Part<C, 'invoke'>[N]>
  ): Promise<Result<Part<C, 'invoke'>[N]>>
}

export interface IpcRenderer<C extends Contract = Untyped> extends Calls<C>, Emitter<Channel<C, 'on'>, Function> {
  on<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  addListener<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  once<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  prependListener<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  prependOnceListener<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  off<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  removeListener<N extends Channel<C, 'on'>>(channel: N, listener: IpcListener<C, N>): this
  /** False if more than `limits.outbound` waits to leave; the message is sent nevertheless. */
  send<N extends Channel<C, 'send'>>(channel: N, ...args: Arguments<Part<C, 'send'>[N]>): boolean
  /**
   * Blocks until a listener has answered by `event.returnValue`, and returns that; what was sent before it arrives before it.
   * Throws as invoke rejects, and ERR_NOT_READY in an iframe before it is connected. Nothing else runs here meanwhile: prefer invoke.
   */
  sendSync<N extends Channel<C, 'sync'>>(channel: N, ...args: Arguments<Part<C, 'sync'>[N]>): Result<Part<C, 'sync'>[N]>
  /** The ports are neutered, and arrive in `event.ports` of the listener. */
  postMessage(channel: string, message: any, transfer?: readonly MessagePort[]): void
  /** Answers `contents:invoke` and `frame:invoke` of the host. A second handler for a channel throws. */
  handle<N extends Channel<C, 'handle'>>(channel: N, handler: Handler<C, N>): this
  /** As handle; removed before it runs. */
  handleOnce<N extends Channel<C, 'handle'>>(channel: N, handler: Handler<C, N>): this
  removeHandler(channel: Channel<C, 'handle'>): this
  /** Calls that are given up when the signal aborts, or after `timeout` ms. */
  with(options: { signal?: AbortSignal; timeout?: number }): Calls<C>
}

export interface WebFrame {
  /** Undefined until the connection is there. */
  readonly routingId: number | undefined
  readonly frameToken: string | undefined
}

export interface Closed {
  /** A code of the protocol, section 10; 1006 if the connection broke. */
  code: number
  reason: string
}

export interface ConnectionState {
  /** 'lost': it comes again by itself, or is 'closed' in the end. */
  state: 'connected' | 'lost' | 'closed'
  /** With 'connected': the session goes on, and nothing was lost. After 'lost' false says that it is another: ids are new, frames and listeners stay. */
  resumed: boolean
}

type ConnectionListener = (change: ConnectionState) => void

export interface Renderer<C extends Contract = Untyped> extends Emitter<'connection', ConnectionListener> {
  readonly ipcRenderer: IpcRenderer<C>
  readonly webFrame: WebFrame
  /** The same over reloads, and over navigation within the origin: it is the tab's. */
  readonly webContentsId: number | undefined
  readonly processId: number | undefined
  on(name: 'connection', listener: ConnectionListener): this
  addListener(name: 'connection', listener: ConnectionListener): this
  once(name: 'connection', listener: ConnectionListener): this
  prependListener(name: 'connection', listener: ConnectionListener): this
  prependOnceListener(name: 'connection', listener: ConnectionListener): this
  off(name: 'connection', listener: ConnectionListener): this
  removeListener(name: 'connection', listener: ConnectionListener): this
  /** A child frame of this one, in the same session. */
  createFrame(claim?: { url?: string; name?: string; title?: string }): Promise<Renderer<C>>
  /** Ends the frame and those below it; the main frame's ends the session. */
  close(): void
  /** Resolves when it has ended for good: a connection that is lost and comes again has not. */
  readonly closed: Promise<Closed>
}

export interface ConnectOptions {
  /** What the main frame claims to show: `app://notes` is also its origin. */
  url?: string
  name?: string
  title?: string
  /** Where the host asks for one: `security.token`. */
  token?: string
  /** How long to wait for the host, in ms; 10 s by default. */
  timeout?: number
  /**
   * Whether a session over WebSocket comes again when its connection is lost, and how many ms lie between attempts: `{ min: 250, max: 5000 }`,
   * doubling. By default it does; when the host has stopped in good order only pages do, and who asks for it.
   */
  reconnect?: boolean | { min?: number; max?: number }
}

/** In Node `unix:/path`, `tcp://host:port`, `ws://host:port` or `stdio:` (the process's own); in pages and workers `ws://host:port`. */
export function connect<C extends Contract = Untyped>(address: string, options?: ConnectOptions): Promise<Renderer<C>>

/** Connects at first use: a page or a worker to the host that this script came from, Node to $IPCHOST_ADDRESS. */
export const renderer: Renderer
export const ipcRenderer: IpcRenderer
export const webFrame: WebFrame
