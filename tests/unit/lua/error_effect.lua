--! out call 1 effect {"args":{},"resource":"mail","use":"inbox","verb":"read"}
--! answer 1 {"err":{"code":"denied","rule":"r","why":"no rule allows it"}}
--! out failed denied: no rule allows it
local keel = require "keel"

return keel.agent { run = function(ctx) assert(ctx.use("inbox").read("mail")) end }
