--! kind connector
--! refused refused_connector.lua does not return a connector: end it with `return keel.connector { RESOURCE = { read = function(c, q) ... end } }`
local keel = require "keel"

return keel.agent { run = function() end }
