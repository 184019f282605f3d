-- Reads a whole mailbox, page by page.
local keel = require "keel"

return keel.agent { run = function(ctx)
  local count, cursor = 0, nil
  repeat
    local page = assert(ctx.use("mail").read("message", { cursor = cursor, limit = 100 }))
    count, cursor = count + #page.items, page.next
  until not cursor or #page.items == 0
  return { count = count }
end }
