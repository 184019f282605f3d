-- Fails with what it was told, so that the test can read it.
local keel = require "keel"

return keel.agent {
  run = function(ctx, input)
    local page, err = ctx.use("bad").read(input.resource, input.body)
    if not page and err then
      error(err.code .. ": " .. err.why, 0)
    end
    return page
  end,
}
