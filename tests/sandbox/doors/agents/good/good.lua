-- Uses the network by a connection of its own, while the other one misbehaves.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local page, err = ctx.use("fine").read("page", {})
    if not page or page.status ~= 200 then
      error(err and err.why or "no answer", 0)
    end
    return page.status
  end,
}
