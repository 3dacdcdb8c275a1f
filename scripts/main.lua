-- The example application: each file shows one thing, and each can be changed by itself.
require "electron_examples"
require "system"
require "notes"
require "widget"
require "words"
