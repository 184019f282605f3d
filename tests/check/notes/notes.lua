local keel = require "keel"

return keel.connector { note = require "verbs" }
