--! out end {"result":[1,1,true],"state":"ended"}
-- Whatever a script does to its variables, another run begins afresh.
local keel = require "keel"
local count = 0
local before = rawequal(_ENV, _G)
_ENV = { keel = keel, poisoned = true }
count = count + 1
seen = (seen or 0) + 1 -- luacheck: ignore

return keel.agent { run = function() return { count, seen, before } end } -- luacheck: ignore
