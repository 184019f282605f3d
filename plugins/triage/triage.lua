-- Who waits for an answer? Reads the new mail of the connection "inbox" by pages, puts it together
-- by conversation, and hands each mail that asks its owner for something to the correspondent, once.
--
-- Input:  limit (mails in one run, 10000), page (mails in one read, 100), again (true: from the start)
-- Result: read, kinds (how many of each), needs_answer, waiting (who, since when, why), cursor, more
local keel = require "keel"
local judge = require "judge"

local function number(value, default, most)
  local n = math.tointeger(tonumber(value) or default)
  return n and n >= 1 and n <= most and n or default
end

-- What the run remembers of a mail: enough for its conversation, without its text.
local function remember(item, cursor)
  local verdict = judge.mail(item)
  return {
    id = item.id, message_id = item.message_id, refs = item.references, answers = item.in_reply_to,
    from = item.from, name = item.from_name, subject = item.subject, at = item.date_us or 0,
    kind = verdict.kind, why = verdict.why, asks = verdict.asks, cursor = cursor,
  }
end

-- One page, judged. The judgement is a step: recorded once, so that a later version of the rules
-- does not change what this run has seen. A cursor that no longer fits (an mbox was rewritten) means
-- from the start: ids stay, so nobody is answered twice.
local function read_page(ctx, inbox, cursor, size)
  local page, err = inbox.read("message", { cursor = cursor, limit = size })
  if not page and err.code == "conflict" and cursor then
    ctx.log("warn", "The place in the mailbox is lost, reading from its start: " .. tostring(err.why))
    cursor = nil
    page, err = inbox.read("message", { limit = size })
  end
  if not page then
    return nil, err
  end
  local mails = ctx.step("judge a page", function()
    local list = keel.list {}
    for i, item in ipairs(page.items) do
      list[i] = remember(item, cursor)
    end
    return list
  end)
  return { mails = mails, next = page.next, more = page.more }
end

-- ---- conversations ----

-- The same mail may come twice, over a list and directly: the copy that asks counts.
local function without_copies(mails)
  local kept, at = {}, {}
  for _, mail in ipairs(mails) do
    local before = mail.message_id ~= "" and at[mail.message_id]
    if not before then
      kept[#kept + 1] = mail
      at[mail.message_id] = #kept
    elseif mail.kind == "question" and kept[before].kind ~= "question" then
      kept[before] = mail
    end
  end
  return kept
end

-- message id -> the conversation that it belongs to: all that refer to each other are one.
local function conversations(mails)
  local parent = {}
  local function root(id)
    while parent[id] and parent[id] ~= id do
      id = parent[id]
    end
    return id
  end
  for _, mail in ipairs(mails) do
    local own = root(mail.id)
    parent[own] = own
    for _, id in ipairs(mail.refs) do
      parent[root(id)] = own
    end
    if mail.answers ~= "" then
      parent[root(mail.answers)] = own
    end
    if mail.message_id ~= "" then
      parent[root(mail.message_id)] = own
    end
  end
  return root
end

-- Nobody waits for whom the owner has answered since, or who has written again since.
local function settle(mails)
  local root = conversations(mails)
  local answered, last = {}, {}
  for _, mail in ipairs(mails) do
    local talk = root(mail.id)
    if mail.kind == "own" and mail.at >= (answered[talk] or 0) then
      answered[talk] = mail.at
    elseif mail.kind == "question" and mail.at >= (last[talk .. " " .. mail.from] or 0) then
      last[talk .. " " .. mail.from] = mail.at
    end
  end
  for _, mail in ipairs(mails) do
    local talk = root(mail.id)
    if mail.kind == "question" and (answered[talk] or -1) > mail.at then
      mail.kind, mail.why = "answered", "the owner has written in this conversation since"
    elseif mail.kind == "question" and last[talk .. " " .. mail.from] > mail.at then
      mail.kind, mail.why = "followed", "the same person has written again since"
    end
  end
end

-- ---- the run ----

local function hand_over(ctx, mail)
  local quotes = keel.list {}
  for i, ask in ipairs(mail.asks) do
    quotes[i] = ask.quote
  end
  return ctx.spawn("correspondent",
    { message = mail.id, cursor = mail.cursor, quotes = quotes, why = mail.why }, { key = mail.id })
end

local function run(ctx, input)
  local inbox = ctx.use("inbox")
  local begin = not input.again and ctx.previous and ctx.previous.cursor or nil
  local limit, size = number(input.limit, 10000, 100000), number(input.page, 100, 500)
  local result = { read = 0, kinds = {}, needs_answer = 0, waiting = keel.list {}, cursor = begin,
                   more = true }
  local mails = {}
  while result.more and result.read < limit do
    local page, err = read_page(ctx, inbox, result.cursor, math.min(size, limit - result.read))
    if not page then
      result.stopped, result.why = err.code, err.why
      break
    end
    for _, mail in ipairs(page.mails) do
      mails[#mails + 1] = mail
    end
    result.read = result.read + #page.mails
    result.cursor, result.more = page.next, page.more
  end

  if #mails == 0 and result.stopped and result.stopped ~= "denied" then
    error("no mail could be read: " .. result.why, 0)
  end

  mails = without_copies(mails)
  settle(mails)
  table.sort(mails, function(a, b) return a.at < b.at end)
  for _, mail in ipairs(mails) do
    result.kinds[mail.kind] = (result.kinds[mail.kind] or 0) + 1
    if mail.kind == "question" then
      local child, err = hand_over(ctx, mail)
      result.needs_answer = result.needs_answer + 1
      if #result.waiting < 50 then
        result.waiting[#result.waiting + 1] = { from = mail.from, name = mail.name, since_us = mail.at,
          subject = mail.subject, message = mail.id, why = mail.why, run = child and child.run }
      end
      if not child then
        -- Not handed over, so not behind us: the next run begins where this one did.
        result.stopped, result.why, result.cursor = err.code, err.why, begin
      end
    end
  end
  ctx.log("info", string.format("%d mails read, %d need an answer", result.read, result.needs_answer))
  return result
end

return keel.agent { name = "triage", version = "0.1.0", run = run }
