-- What judge.lua makes of mails and sentences, as a table. The result is the list of failures.
local keel = require "keel"
local judge = require "judge"

local base = {
  answered = false, automatic = "", bulk = "", cc = {}, date_us = 1, from = "ann@client.example",
  from_name = "Ann", id = "m@x", in_reply_to = "", list = "", message_id = "m@x", own = false,
  references = {}, reply_to = "", subject = "A word", text = "Can you come on Friday?",
  to = { "me@studio.example" }, to_me = "to",
}

local mails = {
  { {}, "question" },
  { { own = true }, "own" },
  { { answered = true }, "answered" },
  { { automatic = "Return-Path: <>" }, "automatic" },
  { { bulk = "Precedence: bulk" }, "newsletter" },
  { { list = "l@x", to_me = "" }, "list" },
  { { list = "l@x" }, "list" },                           -- a new topic on a list is for all
  { { list = "l@x", in_reply_to = "o@x" }, "question" },  -- an answer to the owner is for him
  { { to_me = "" }, "list" },
  { { to_me = "cc" }, "copied" },
  { { subject = "Weekly digest" }, "newsletter" },
  { { subject = "Weekly digest", in_reply_to = "o@x" }, "question" },
  { { text = "Thank you!" }, "notice" },
  { { text = "> Can you come on Friday?\nYes." }, "notice" },
  { { text = "On Monday Bo wrote:\n> Can you?\n\n-- \nWill you?" }, "notice" },
  { { text = "Click here to unsubscribe. Do you want to win?" }, "suspect" },
  { { subject = "MAKE MONEY FAST!!!" }, "suspect" },
  { { subject = "Re: MAKE MONEY FAST!!!" }, "suspect" },  -- "Re:" alone is no answer
  { { subject = "Re: MONEY!", text = "> earlier\nReally?\nCan you say more?" }, "question" },
}

local sentences = {
  { "Can you send it?", "question" },
  { "Anyone else seeing this?", "question" },
  { "Justin, can it be said otherwise?", "question" },
  { "Please let me know.", "request" },
  { "I would like to know more.", "request" },
  { "Really?", nil },
  { "It rains.", nil },
  { "See http://x.example/?can=you for that.", nil },
  { "the car was old, too old?", nil },
  { "the car was old, too old?", "question", true },
  { "Canned fish and tins.", nil },
}

local split = {
  { "One. Two!\nThree?", { "One.", "Two!", "Three?" } },
  { "It goes\nover lines? Yes.", { "It goes\nover lines?", "Yes." } },
  { "> quoted.\nOwn.", { "Own." } },
  { "Own.\n-- \nsignature.", { "Own." } },
  { "Own.\n________________\nlist footer.", { "Own." } },
  { "", {} },
  { "\n\n", {} },
  { "no end", { "no end" } },
}

local function check_mails(failed)
  for i, case in ipairs(mails) do
    local item = {}
    for key, value in pairs(base) do
      item[key] = value
    end
    for key, value in pairs(case[1]) do
      item[key] = value
    end
    local verdict = judge.mail(item)
    if verdict.kind ~= case[2] or verdict.why == "" then
      failed[#failed + 1] = "mail " .. i .. ": " .. verdict.kind .. ", " .. verdict.why
    end
    for _, ask in ipairs(verdict.asks or {}) do
      if not item.text:find(ask.quote, 1, true) then
        failed[#failed + 1] = "mail " .. i .. ": quotes what is not there: " .. ask.quote
      end
    end
  end
end

return keel.agent {
  run = function()
    local failed = keel.list {}
    check_mails(failed)
    for _, case in ipairs(sentences) do
      if judge.wants(case[1], case[3]) ~= case[2] then
        failed[#failed + 1] = "sentence: " .. case[1]
      end
    end
    for i, case in ipairs(split) do
      local got = judge.sentences(case[1])
      if table.concat(got, "|") ~= table.concat(case[2], "|") then
        failed[#failed + 1] = "split " .. i .. ": " .. table.concat(got, "|")
      end
    end
    return failed
  end,
}
