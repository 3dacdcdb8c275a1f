-- The host as the benchmark runs it: one handler, every transport, room for 10,000 idle connections.
return {
  listen = { "unix:" .. assert(os.getenv("BENCH_SOCKET"), "started by bench/run"), "tcp://127.0.0.1:0",
    "http://127.0.0.1:0" },
  scripts = { "echo.lua" },
  limits = { connections = 20000, idle = "600s" },
}
