-- Reminds somebody by mail, as often as it is told to. What it may do, and how often, is not its
-- business: reminders.yaml says so.
--
-- Input:  to (an address), times (1 without it)
-- Result: sent (how many), stopped (why it was not more)
local keel = require "keel"

local function run(ctx, input)
  local inbox = ctx.use("inbox")
  local times = tonumber(input.times) or 1
  for i = 1, times do
    local sent, refusal = inbox.write("message", {
      to = input.to,
      subject = ("Reminder %d of %d"):format(i, times),
      body = "The invoice is still to be written.\n",
    })
    if not sent then
      return { sent = i - 1, stopped = refusal.code }
    end
  end
  return { sent = times }
end

return keel.agent { name = "reminder", version = "0.1.0", run = run }
