-- Reads "thing" of the hostile connector, and "again" if that is its answer; fails with what it was
-- told, so that the test can read it.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local hostile = ctx.use("hostile")
    local page, err = hostile.read("thing", {})
    if page == "again" then
      page, err = hostile.read("again", {})
    end
    if not page and err then
      error(err.code .. ": " .. err.why, 0)
    end
    return page
  end,
}
