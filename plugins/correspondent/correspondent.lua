-- Drafts the answer to one mail and asks to send it. The draft is a template around the sender's own
-- questions, quoted word for word; whoever approves it may rewrite it.
--
-- Input:  message (its id), cursor (where in the mailbox it can be found sooner), quotes, why
-- Result: message (the answer's id), or stopped (why none was sent)
local keel = require "keel"

-- The mail itself, read again: the evidence for what is quoted is then in this run's own record.
local function read_mail(ctx, input)
  local inbox = ctx.use("inbox")
  local page, err = inbox.read("message", { id = input.message, cursor = input.cursor })
  if not page and input.cursor then -- the mailbox has changed since; the id has not
    page, err = inbox.read("message", { id = input.message })
  end
  return page and page.items[1], err
end

-- Only what really stands in the mail is quoted.
local function check_quotes(mail, quotes)
  local found = {}
  for _, quote in ipairs(quotes or {}) do
    if mail.text:find(quote, 1, true) then
      found[#found + 1] = quote
    end
  end
  return found
end

local function indent(quotes)
  local lines = {}
  for _, quote in ipairs(quotes) do
    lines[#lines + 1] = "> " .. quote:gsub("\n", "\n> ")
  end
  return table.concat(lines, "\n>\n")
end

local function greeting(mail)
  local first = mail.from_name:match("^(%u%l+)%f[%s]") or mail.from_name:match("^(%u%l+)$")
  return first and "Hello " .. first .. "," or "Hello,"
end

local months = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
                 "October", "November", "December" }

-- The day of a time in microseconds since 1970, in words.
local function day(us)
  local days = us // 86400000000 + 719468
  local era = days // 146097
  local of_era = days - era * 146097
  local year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
  local of_year = of_era - (365 * year + year // 4 - year // 100)
  local month = (5 * of_year + 2) // 153
  local date = of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  return string.format("%d %s %d", date, months[month], year + era * 400 + (month <= 2 and 1 or 0))
end

-- The mail's own references and itself: the first and the last ten.
local function references(mail)
  local list = keel.list {}
  for i, id in ipairs(mail.references) do
    if i == 1 or i > #mail.references - 9 then
      list[#list + 1] = id
    end
  end
  list[#list + 1] = mail.message_id
  return list
end

local function draft(mail, quotes)
  local subject = mail.subject:find("^[Rr][Ee]:") and mail.subject or "Re: " .. mail.subject
  local answer = {
    to = mail.reply_to ~= "" and mail.reply_to or mail.from,
    subject = subject,
    body = keel.template("reply.txt", {
      greeting = greeting(mail), quotes = indent(quotes),
      when = mail.date_us and " of " .. day(mail.date_us) or "",
    }),
  }
  if mail.message_id ~= "" then
    answer.in_reply_to = mail.message_id
    answer.references = references(mail)
  end
  return answer
end

local function run(ctx, input)
  local mail, err = read_mail(ctx, input)
  if not mail then
    return { stopped = err and err.code or "not_found", why = err and err.why, answers = input.message }
  end
  local quotes = check_quotes(mail, input.quotes)
  if #quotes == 0 then
    return { stopped = "nothing_asked", answers = mail.id }
  end
  local evidence = keel.list {}
  for i, quote in ipairs(quotes) do
    evidence[i] = { quote = quote, source = mail.id }
  end
  local sent, refusal = ctx.use("inbox").write("message", draft(mail, quotes),
    { why = mail.from .. " wrote to you, and " .. (input.why or "it asks something"),
      evidence = evidence })
  if not sent then
    return { stopped = refusal.code, why = refusal.why, answers = mail.id }
  end
  return { message = sent.id, answers = mail.id }
end

return keel.agent { name = "correspondent", version = "0.1.0", run = run }
