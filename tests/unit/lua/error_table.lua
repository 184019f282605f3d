--! out failed a table was thrown: {"a":[1,2]}
local keel = require "keel"

return keel.agent { run = function() error({ a = { 1, 2 } }) end }
