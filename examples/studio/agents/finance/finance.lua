-- Does one thing with money and says what came of it. How much is too much is said by policy.
--
-- Input:  invoice (number) and refund (an amount), or client (an address) and amount
-- Result: done (the number of what was made), or stopped (why nothing was)
local keel = require "keel"

local function run(ctx, input)
  local billing = ctx.use("billing")
  local made, refusal
  if input.refund then
    made, refusal = billing.write("refund", { invoice = input.invoice, amount = input.refund })
  else
    made, refusal = billing.write("invoice", { client = input.client, amount = input.amount })
  end
  return made and { done = made.id } or { stopped = refusal.code, why = refusal.why }
end

return keel.agent { name = "finance", version = "0.1.0", run = run }
