local keel = require "keel"

return keel.connector { memo = require "verbs" }
