-- Puts a text where it is told: a draft by itself, what visitors see only as far as policy lets it.
--
-- Input:  path, text
-- Result: done (the path), or stopped (why it was not written)
local keel = require "keel"

local function run(ctx, input)
  local done, refusal = ctx.use("site").write("document", { path = input.path, text = input.text })
  return done and { done = done.id } or { stopped = refusal.code, why = refusal.why }
end

return keel.agent { name = "publisher", version = "0.1.0", run = run }
