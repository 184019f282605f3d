--! record 1 effect mail.message.write {"args":{"to":"a"},"resource":"message","use":"mail","verb":"write"} {"ok":{}}
--! out mismatch {"now":{"args":{"args":{"to":"b"},"resource":"message","use":"mail","verb":"write"},"call":"bd498684b9e809d0","kind":"effect","name":"mail.message.write"},"path":"1","recorded":{"call":"1305ead977bc6d7c","kind":"effect","name":"mail.message.write"}}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    pcall(ctx.use("mail").write, "message", { to = "b" })
    ctx.log("never")
  end,
}
