--! out log 1 info "plain"
--! out log 2 warn "table"
--! out log 3 error "a ?? b"
--! out log 4 debug "nil"
--! out end {"result":null,"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.log("plain")
    ctx.log("warn", {})
    ctx.log("error", "a \xff\xfe b")
    ctx.log("debug", nil)
  end,
}
