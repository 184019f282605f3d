-- Asks people: what each question is about stands in its resource.
local keel = require "keel"

local function ask(ctx, resource)
  return function()
    local result, err = ctx.use("plain").write(resource, { text = "as asked" })
    return result and "done" or err.code
  end
end

-- Its effect is proposed when the word comes: while the workspace is halted.
local function on_word(ctx)
  return function()
    ctx.receive("go")
    return ask(ctx, "repeatable")()
  end
end

-- A question to a person: answered while much else goes on.
local function wonder(ctx)
  return function()
    return ctx.ask("Which of them?", { choices = { "this", "that" }, expires = "2h", default = "that" })
  end
end

local function run(ctx, input)
  local branches = {}
  for i, resource in ipairs(input.questions) do
    branches[i] = ask(ctx, resource)
  end
  if input.word then
    branches[#branches + 1] = on_word(ctx)
  end
  if input.wonder then
    branches[#branches + 1] = wonder(ctx)
  end
  return ctx.all(branches)
end

return keel.agent { run = run }
