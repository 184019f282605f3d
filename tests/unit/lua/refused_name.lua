--! refused refused_name.lua says name "other" and the manifest "test"
local keel = require "keel"

return keel.agent { name = "other", version = "1.0.0", run = function() end }
