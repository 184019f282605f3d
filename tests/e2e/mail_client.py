"""Python's own SMTP and IMAP clients against a scripted mail server: who wrote those did not write it.

usage: mail_client.py SMTP_PORT IMAP_PORT     the login is me, correct-horse
"""
import imaplib
import smtplib
import sys

LETTER = ("From: Ada <me@test.local>\r\nSubject: a long\r\n subject\r\nMessage-ID: <a@b>\r\n\r\n"
          ".a dot\r\n..two\r\n.\r\nend\r\n")
TO = ["me+tag@test.local", "bea@test.local", "x@far.example"]


def same(got, wanted):
    assert got == wanted, "%r, and not %r" % (got, wanted)


def refused(kind, act, *args):
    try:
        act(*args)
    except kind as e:
        return getattr(e, "smtp_code", str(e))
    raise AssertionError("this was taken: %r" % (args,))


def send(port):
    s = smtplib.SMTP("127.0.0.1", port, timeout=10)
    s.ehlo()
    same(refused(smtplib.SMTPSenderRefused, s.sendmail, "me@test.local", TO, LETTER), 530)
    same(refused(smtplib.SMTPAuthenticationError, s.login, "me", "wrong"), 535)
    s.user, s.password = "me", "correct-horse"
    same(s.auth("LOGIN", s.auth_login)[0], 235)
    same(s.sendmail("me@test.local", TO, LETTER), {})
    same(refused(smtplib.SMTPSenderRefused, s.sendmail, "me@test.local", TO, "x" * 5000), 552)
    same(refused(smtplib.SMTPRecipientsRefused, s.sendmail, "me@test.local", "nobody", LETTER)[:1], "{")
    same(s.docmd("DATA")[0], 503)
    same(s.docmd("BANANA")[0], 502)
    same(s.noop()[0], 250)
    same(s.quit()[0], 221)


def read(port):
    m = imaplib.IMAP4("127.0.0.1", port, timeout=10)
    assert "wrong" not in refused(imaplib.IMAP4.error, m.login, "me", "wrong")
    same(m.authenticate("PLAIN", lambda _: b"\0me\0correct-horse")[0], "OK")
    same(m.list()[1], [b'() "/" "INBOX"', b'() "/" "Drafts"', b'() "/" "Sent"'])
    same(m.select("INBOX")[1], [b"1"])
    same(m.response("UIDNEXT")[1], [b"2"])
    same(m.uid("SEARCH", "HEADER", "Message-ID", '"a@b"')[1], [b"1"])
    same(m.uid("SEARCH", "OR", "(SEEN ALL)", "NOT", "SUBJECT", '"long subject"')[1], [b""])
    same(m.uid("SEARCH", "UNSEEN", "SINCE", "1-Jan-2020", "UID", "1:*")[1], [b"1"])
    letter = LETTER.encode()
    (head, got), rest = m.uid("FETCH", "1", "(UID FLAGS RFC822.SIZE BODY.PEEK[])")[1]
    same(got, letter)
    same(head, b"1 (UID 1 FLAGS () RFC822.SIZE %d BODY[] {%d}" % (len(letter), len(letter)))
    (head, got), rest = m.uid("FETCH", "1", "(BODY[TEXT]<1.5>)")[1]
    same(got, b"a dot")
    same(m.uid("FETCH", "1", "(FLAGS)")[1], [b"1 (UID 1 FLAGS (\\Seen))"])
    same(m.append("Drafts", "(\\Draft)", None, b"Message-ID: <d@b>\r\n\r\nnot yet")[0], "OK")
    same(m.uid("COPY", "1", "Nowhere")[0], "NO")
    same(m.create("Nowhere")[0], "OK")
    same(m.uid("COPY", "1", "Nowhere")[0], "OK")
    same(m.uid("MOVE", "1", "Sent")[0], "OK")
    same(m.response("EXPUNGE")[1], [b"1"])
    same(m.select("Sent")[1], [b"1"])
    same(m.uid("STORE", "1", "+FLAGS", "(\\Deleted)")[1], [b"1 (UID 1 FLAGS (\\Seen \\Deleted))"])
    same(m.uid("EXPUNGE", "1")[0], "OK")
    same(m.uid("SEARCH", "ALL")[1], [b""])
    same(m.select("Lost")[0], "NO")
    same(m.logout()[0], "BYE")


send(int(sys.argv[1]))
read(int(sys.argv[2]))
print("as they should")
