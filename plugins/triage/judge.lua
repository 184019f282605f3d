-- What one mail is, and what in it asks the owner for something. Pure: an item of the mailbox's
-- message.read goes in; nothing here reads, sends or remembers.
--
-- The rules are plain on purpose: each answer comes with the header or the words that decided it, so
-- that a person can see why, and disagree.
local judge = {}

-- ---- the writer's own words ----

local function is_quoted(line)
  return line:find("^%s*[>|]") or line:find("^%s*%u?%u?%u?>") or line:find("^%s*:") ~= nil
end

local function is_attribution(line)
  return line:find("wrote:%s*$") or line:find("writes:%s*$") or line:find("said:%s*$")
    or line:find("^On .+%d%d%d%d") or line:find("^%-+ ?Original Message")
    or line:find("^%-+ ?Forwarded") or line:find("^Quoting ") or line:find("^From: ")
end

-- Where the mail proper ends: a signature, a list's footer, a quoted original below.
local function is_end(line)
  return line:find("^%-%- ?$") or line:find("^_____+%s*$") or line:find("^%-%-%-%-%-%-+%s*$")
    or line:find("^%-+ ?Original Message") or line:find("^=====+%s*$")
    or line:find("^This sf%.net email is sponsored") or line:find("^Do you Yahoo!%?")
end

-- Paragraphs of the writer's own lines, as {from, to} positions in text.
local function paragraphs(text)
  local found, first, last = {}, nil, nil
  local function close()
    if first then
      found[#found + 1] = { first, last }
    end
    first = nil
  end
  local at, own_lines = 1, 0
  while at <= #text do
    local stop = text:find("\n", at, true) or #text + 1
    local line = text:sub(at, stop - 1)
    if is_end(line) and own_lines > 0 then
      break
    end
    if line:find("^%s*$") or is_quoted(line) or is_attribution(line) or is_end(line) then
      close()
    else
      first = first or at
      last = stop - 1
      own_lines = own_lines + 1
    end
    at = stop + 1
  end
  close()
  return found
end

-- Each sentence of the writer's own words, exactly as it stands in the text, line breaks and all.
function judge.sentences(text)
  local found = {}
  for _, paragraph in ipairs(paragraphs(text)) do
    local at, stop = paragraph[1], paragraph[2]
    while at <= stop do
      local _, last = text:find("[.?!]+[%s\"')%]]+", at)
      -- A dot in "e.g. this" ends a sentence too: what is quoted is then shorter, never wrong.
      local cut = last and last <= stop and last or stop
      local sentence = text:sub(at, cut):gsub("^%s+", ""):gsub("%s+$", "")
      if sentence ~= "" then
        found[#found + 1] = sentence
      end
      at = cut + 1
    end
  end
  return found
end

-- ---- asking ----

-- Words that make a sentence with a question mark one for its reader; in an answer to the owner's
-- own words any such sentence is.
local askers = {
  "^any%a*%f[%A]", "^some%a*%f[%A]", "[,;:] can%f[%A]", "[,;:] could%f[%A]", "[,;:] would%f[%A]",
  "[,;:] should%f[%A]", "[,;:] is%f[%A]", "[,;:] are%f[%A]", "[,;:] do%f[%A]", "[,;:] did%f[%A]",
  "^what%f[%A]", "^when%f[%A]", "^where%f[%A]", "^which%f[%A]", "^who%f[%A]", "^why%f[%A]", "^how%f[%A]",
  "^can%f[%A]", "^could%f[%A]", "^would%f[%A]", "^will%f[%A]", "^should%f[%A]", "^shall%f[%A]",
  "^do%f[%A]", "^does%f[%A]", "^did%f[%A]", "^is%f[%A]", "^are%f[%A]", "^was%f[%A]", "^were%f[%A]",
  "^have%f[%A]", "^has%f[%A]", "^may%f[%A]", "^am%f[%A]", "%f[%a]you%f[%A]",
  "%f[%a]your%f[%A]", "%f[%a]or not%f[%A]", "%f[%a]we%f[%A]",
}

local requests = {
  "%f[%a]can you%f[%A]", "%f[%a]could you%f[%A]", "%f[%a]would you%f[%A]", "%f[%a]will you%f[%A]",
  "%f[%a]please%f[%A].*%f[%a]send%f[%A]", "%f[%a]please%f[%A].*%f[%a]let%f[%A]",
  "%f[%a]please%f[%A].*%f[%a]tell%f[%A]", "%f[%a]please%f[%A].*%f[%a]reply%f[%A]",
  "%f[%a]please%f[%A].*%f[%a]confirm%f[%A]", "%f[%a]please%f[%A].*%f[%a]advise%f[%A]",
  "%f[%a]please%f[%A].*%f[%a]check%f[%A]", "%f[%a]please%f[%A].*%f[%a]help%f[%A]",
  "%f[%a]let me know%f[%A]", "%f[%a]waiting for your%f[%A]", "%f[%a]need your%f[%A]",
  "%f[%a]i%s+would like to know%f[%A]", "%f[%a]look forward to hearing%f[%A]",
}

local function has_any(text, patterns)
  for _, pattern in ipairs(patterns) do
    if text:find(pattern) then
      return true
    end
  end
  return false
end

local function plain(sentence)
  return sentence:lower():gsub("https?://%S+", ""):gsub("%s+", " ")
end

-- "question" or "request", or nil: what this sentence wants.
function judge.wants(sentence, is_reply)
  local words = plain(sentence)
  local count = select(2, words:gsub("%a+", ""))
  if words:find("%?[%s\"')%]]*$") and count >= 3 and count <= 80
      and (is_reply or has_any(words, askers)) then
    return "question"
  end
  if count >= 3 and count <= 80 and has_any(words, requests) then
    return "request"
  end
  return nil
end

-- Up to `most` sentences that ask, requests and questions in the order of the text.
function judge.asks(text, most, is_reply)
  local found = {}
  for _, sentence in ipairs(judge.sentences(text)) do
    local kind = #found < most and #sentence <= 600 and judge.wants(sentence, is_reply)
    if kind then
      found[#found + 1] = { kind = kind, quote = sentence }
    end
  end
  return found
end

-- It says which mail it answers, or quotes it. "Re:" alone says nothing.
local function is_reply(item)
  if item.in_reply_to ~= "" or #item.references > 0 then
    return true
  end
  local re = item.subject:lower():find("^re:") or item.subject:lower():find("^%[.-%] ?re:")
  return re ~= nil and ("\n" .. item.text):find("\n%s*>") ~= nil
end

-- ---- unasked-for mail ----

-- What mass mail says and people who know each other rarely do; each has a weight.
local phrases = {
  { "click here", 2 }, { "unsubscribe", 2 }, { "remove%w* .-from %w+ .-list", 3 }, { "opt%-?%s?out", 3 },
  { "to be removed", 3 }, { "removed from", 2 }, { "this is not spam", 4 }, { "limited time", 2 },
  { "guarantee", 1 }, { "money back", 2 }, { "order now", 2 }, { "act now", 2 }, { "risk free", 2 },
  { "no obligation", 2 }, { "100%% free", 2 }, { "for free", 1 }, { "free ", 1 }, { "make money", 2 },
  { "extra income", 2 }, { "earn ", 1 }, { "mortgage", 2 }, { "refinanc", 2 }, { "interest rate", 1 },
  { "credit card", 1 }, { "loan", 1 }, { "viagra", 4 }, { "casino", 3 }, { "lottery", 3 },
  { "million dollars", 3 }, { "us%$%s?%d", 2 }, { "%$%d[%d,.]+ million", 3 }, { "business proposal", 3 },
  { "strictly confidential", 3 }, { "nigeria", 3 }, { "transfer of funds", 3 }, { "adult", 1 },
  { "xxx", 2 }, { "penis", 3 }, { "weight loss", 3 }, { "lose weight", 3 }, { "bulk e?%-?mail", 3 },
  { "email addresses", 2 }, { "marketing", 1 }, { "dear friend", 3 }, { "dear sir", 2 },
  { "call now", 2 }, { "toll free", 2 }, { "visit our web", 1 }, { "special offer", 2 },
  { "congratulations", 2 }, { "you have been selected", 3 }, { "winner", 2 }, { "cash", 1 },
  { "investment", 1 }, { "work at home", 3 }, { "work from home", 3 }, { "subscri", 1 },
  { "if you do not wish", 3 }, { "if you are not interested", 3 }, { "our products?%f[%A]", 1 },
  { "our company", 1 }, { "interested in", 1 }, { "opportunit", 1 }, { "wealth", 2 }, { "remove", 1 },
  { "orders?%f[%A]", 1 }, { "discount", 2 }, { "cheap", 1 }, { "vacation", 2 }, { "special price", 2 },
}

local function caps_share(text)
  local upper = select(2, text:gsub("%u", ""))
  local lower = select(2, text:gsub("%l", ""))
  return upper + lower > 7 and upper / (upper + lower) or 0
end

local function add(signals, weight, text)
  signals.weight = signals.weight + weight
  signals[#signals + 1] = text
end

local function header_signals(item, signals)
  local name = item.from:match("^[^@]*") or ""
  local recipients = #item.to + #item.cc
  if select(2, name:gsub("%d", "")) >= 3 then
    add(signals, 1, "a sender's name full of digits: " .. item.from)
  end
  if item.from == "" or item.message_id == "" or not item.date_us then
    add(signals, 2, "no sound sender, Message-ID or date")
  end
  if recipients > 8 then
    add(signals, 2, recipients .. " recipients")
  end
  if item.reply_to ~= "" and item.reply_to:match("@.*$") ~= item.from:match("@.*$") then
    add(signals, 1, "answers would go elsewhere: " .. item.reply_to)
  end
end

local function subject_signals(item, signals)
  local subject = item.subject
  if caps_share(subject) > 0.6 then
    add(signals, 2, "a subject in capitals")
  end
  if subject:find("[!$]") or subject:find("^%s*ADV") or subject:find("%s%s%s+%S+$")
    or subject:find("%d%d%d%d%d+$") or subject:find("%[%w+%]$") or subject:find("%.%.%. ?%u+$") then
    add(signals, 2, "a subject like an advertisement: " .. subject)
  end
end

local function text_signals(item, signals)
  -- Of an answer only what its writer added: people quote spam to complain about it.
  local own = is_reply(item) and table.concat(judge.sentences(item.text), "\n") or item.text
  local text = (item.subject .. "\n" .. own):lower():gsub("%s+", " ")
  for _, phrase in ipairs(phrases) do
    local words = text:match(phrase[1])
    if words then
      add(signals, phrase[2], "\"" .. words:sub(1, 60) .. "\"")
    end
  end
  local links = select(2, text:gsub("https?://", ""))
  if links > 3 then
    add(signals, 2, links .. " links")
  end
  if select(2, text:gsub("!", "")) > 5 or caps_share(own) > 0.35 then
    add(signals, 1, "shouting")
  end
end

-- How much looks like mass mail: {weight, signal, signal, ...}.
function judge.signals(item)
  local signals = { weight = 0 }
  header_signals(item, signals)
  subject_signals(item, signals)
  text_signals(item, signals)
  return signals
end

-- ---- the verdict ----

local SUSPECT = 3       -- weight from which a first mail is taken for mass mail
local SUSPECT_REPLY = 8 -- and a mail that answers another

local newsletters = { "newsletter", "daily", "weekly", "digest", "alert", "notification", "reminder",
                      "announce", "update", "dispatch" }

local function is_newsletter(item)
  if is_reply(item) then
    return false
  end
  local words = (item.subject .. " " .. item.from_name .. " " .. item.from):lower()
  for _, word in ipairs(newsletters) do
    if words:find(word, 1, true) then
      return word
    end
  end
  return false
end

local function verdict(kind, why, asks)
  return { kind = kind, why = why, asks = asks }
end

-- Kinds: own, answered, automatic, newsletter, list, copied, suspect, notice, question.
-- `why` says by which header or words; only a question has asks.
function judge.mail(item)
  if item.own then
    return verdict("own", "written by the owner")
  elseif item.answered then
    return verdict("answered", "the mail reader marked it as answered")
  elseif item.automatic ~= "" then
    return verdict("automatic", item.automatic)
  elseif item.bulk ~= "" and item.list == "" then
    return verdict("newsletter", item.bulk)
  elseif item.list ~= "" and (item.to_me ~= "to" or not is_reply(item)) then
    return verdict("list", "list: " .. item.list)
  elseif item.to_me == "" then
    return verdict("list", "not addressed to the owner")
  elseif item.to_me == "cc" then
    return verdict("copied", "the owner is only in Cc")
  end
  local signals = judge.signals(item)
  if signals.weight >= (is_reply(item) and SUSPECT_REPLY or SUSPECT) then
    return verdict("suspect", table.concat(signals, "; "):sub(1, 300))
  end
  local letter = is_newsletter(item)
  if letter then
    return verdict("newsletter", "\"" .. letter .. "\" in subject or sender, and no answer to anything")
  end
  local asks = judge.asks(item.text, 3, is_reply(item))
  if #asks == 0 then
    return verdict("notice", "it asks nothing")
  end
  return verdict("question", asks[1].kind == "request" and "it asks for something" or "it asks a question",
    asks)
end

return judge
