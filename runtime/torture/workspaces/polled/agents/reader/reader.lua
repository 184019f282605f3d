local keel = require "keel"

-- Each paper once, and one that arrives while it reads, too.
return keel.agent { run = function(ctx)
  for _ = 1, 2 do
    local paper = ctx.receive("shelf.paper")
    assert(ctx.use("shelf").write("copy", { of = paper.body.id }))
  end
end }
