-- expect: failed: a nil was thrown
local keel = require "keel"

return keel.agent { run = function() error() end }
