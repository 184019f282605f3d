-- Uses everything once: with the input { lost = true } what loses answers, else all the rest. What an
-- effect may come to is said here; anything else fails the run.
local keel = require "keel"

-- What became of it, which must be one of the words allowed.
local function expect(allowed, connection, resource, args)
  return function(ctx)
    local result, err = ctx.use(connection).write(resource, args or {})
    local word = result and "done" or err.code
    assert(allowed:find(word, 1, true), connection .. "." .. resource .. ": " .. word)
    return word
  end
end

-- In the order of their classes; "not_done" is a person's verdict on an outcome that was lost.
local effects = {
  expect("done", "plain", "keyed"),
  expect("done", "plain", "checkable"),
  expect("done not_done", "plain", "once"),
  expect("done", "plain", "repeatable"),
  expect("invalid", "plain", "checkable", { bad = true }),
  expect("denied", "plain", "forbidden"),
  expect("done", "plain", "signed"),
}

local lost = {
  expect("done", "after_keyed", "keyed"),
  expect("done", "after_checkable", "checkable"),
  expect("done not_done", "after_once", "once"),
  expect("done", "before", "checkable"),
  expect("done", "hanging", "slow"),
}

local function each(ctx, list)
  local branches = {}
  for i, effect in ipairs(list) do
    branches[i] = function() return effect(ctx) end
  end
  return ctx.all(branches)
end

local function run(ctx, input)
  if input.lost then
    return { words = each(ctx, lost) }
  end
  local sum = ctx.step("sum", function() return 20 + 22 end)
  ctx.log("the sum is " .. sum)
  local began, luck = ctx.now(), ctx.random(1, 6)
  local child = assert(ctx.spawn("helper", { luck = luck }, { key = "child" }))
  local again = assert(ctx.spawn("helper", { luck = luck }, { key = "child" }))
  assert(child.run == again.run and again.existing)
  local words = each(ctx, effects)
  assert(ctx.use("plain").read("keyed", {}))
  local told = assert(ctx.wait(child))
  local event = ctx.receive("go")
  ctx.step("last", function() return "end" end)
  return { began = began, told = told, event = event.body, words = words }
end

return keel.agent { run = run }
