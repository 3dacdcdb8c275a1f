# Thin over CMake: every target installs what it needs and is missing, then hands on.
#   make run      build, and run ipchost with the example configuration
#   make test     every check; ends with `N passed, N failed`
#   make build    the optimised binary, build/ipchost
#   make bench    the benchmark of bench/README.md
#   make install  to $(DESTDIR)$(PREFIX)
#   make format   clang-format over the C sources
#   make lua-path for the shell: eval "$(make -s lua-path)", and Lua finds the rocks and ipchost.core
#   make clean    remove build/
PREFIX ?= /usr/local
CONFIG ?= config.lua

.PHONY: run test build bench install format lua-path clean
.NOTPARALLEL:

run: build
	@build/ipchost $(CONFIG)

build:
	@tools/setup run
	@tools/build release build ipchost ipchost_core

test:
	@tools/setup run test
	@tools/test

bench: build
	@tools/build release build bench_raw_echo bench_load bench_ready
	@bench/run

install: build
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

format:
	@tools/setup run test
	@find host spec bench -name '*.[ch]' -exec clang-format -i {} +

lua-path:
	@printf 'export LUA_PATH="'; printf '%s/?.lua;%s/?/init.lua;' $(foreach rock,$(wildcard $(CURDIR)/rocks/*),$(rock) $(rock)); \
	echo '$${LUA_PATH:-;}"'
	@echo 'export LUA_CPATH="$(CURDIR)/build/lua/?.so;$${LUA_CPATH:-;}"'

clean:
	rm -rf build
