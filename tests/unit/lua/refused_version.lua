--! refused refused_version.lua says version "1.2.3" and the manifest "1.0.0"
local keel = require "keel"

return keel.agent { name = "test", version = "1.2.3", run = function() end }
