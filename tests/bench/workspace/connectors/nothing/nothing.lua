local keel = require "keel"

return keel.connector { note = { write = function() return { done = true } end } }
