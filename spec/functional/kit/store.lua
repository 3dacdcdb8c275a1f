-- What scripts/ of a user's would have: a module that a test replaces.
return { kind = "fake", list = { "milk" } }
