/* What the CLI asks of a running kernel over .keel/keel.sock (frames C_ of protocol.h).
 *
 * C_COMMAND's body is {"args":{...},"command":NAME,"request":ID}; "request" is any text of 8 to 64
 * characters, required on commands marked M (mutating): it is stored with the answer in the same
 * transaction, a repeat returns the first answer, and the same id with other args is refused (422,
 * code "request_conflict"). Reading commands of the CLI do not come here: they read the database.
 *
 * command        args                                       result
 * status         {}                                         {"anchor":{"trouble"?,"unanchored_us"?},"boot","budgets":[{"budget","full","held","limit","scope","spent","unit","window"}]:
 *                                                           at their soft limit or full,"clock_ahead_us","connections":[{"breaker"?,"name","state","trouble"?,"trouble_us"?}],"gathered"?:{"budget","count",
 *                                                           "until_us"}: what waits for attention,"halted",
 *                                                           "incarnation","network":{"state","trouble"?,"trouble_us"?},
 *                                                           "notify":[{"name","told_us"?,"trouble"?,"trouble_us"?,"waiting"}],"open_runs",
 *                                                           "pid","seq","standing"?,"version","workspace"}; state: idle (starts when there
 *                                                           is work) | starting | running | restarting | refused | resting,
 *                                                           and of the network "not needed"; trouble: the last failure, until a success;
 *                                                           standing: open runs whose agent's version is gone;
 *                                                           breaker, while it rests: {"state":"open|half_open","until_us"?,"why"}
 * down           {}                                         {}; then the kernel drains and ends
 * do           M {"agent","input":{},"key"?,"follow":bool|"end"}  {"existing":bool,"run":N}
 * batch        M {"numbers":[N]}                            {"batch":N}      fixes what a person was shown; refused
 *                                                           when they are not of one batch by their rule
 * approve      M {"by":NAME,"items":[{"approval":hex,"nonce":hex,"number":N,"remember"?:hex,"signature":hex}]}
 *                                                           {"items":[{"grant"?:N,"number","outcome":"approved|stale|denied|gone","why"?}]}
 *                                                           refused as a whole while halted; remember: the digest
 *                                                           of the scope for which a grant is given (grants.h)
 * grant.revoke M {"number":N,"why":TEXT}                    {}
 * deny         M {"items":[N],"why":TEXT}                   {"items":[{"number","outcome":"denied|gone"}]}
 * gathered     M {}                                         {"raised":N}     what is gathered is asked for at once
 * shown          {"numbers":[N]}                            {}   a person reads them: where a budget limits minutes,
 *                                                           the first time is journaled
 * edit         M {"number":N,"set":{FIELD:VALUE}}           {"approval":hex,"decision":{},"number":N}; refused
 *                                                           when a field is not in the rule's `edit`
 * answer       M {"number":N,"value":any} or {"number":N,"why":TEXT}  {"run":N}   a question's answer, or that
 *                                                           there is none; the value must be one that the
 *                                                           question takes (question.h)
 * override.plan  {"path","run"}                             {"args","decision","from":SEQ,"override":hex,"target"}
 * override     M {"by":NAME,"follow"?:bool|"end","nonce":hex,"override":hex,"path","run","signature":hex,"why"}
 *                                                           {"from":SEQ,"path"?,"run":N}: one denial by policy is lifted
 *                                                           once, and its run goes on from there
 * verdict      M {"number":N,"verdict":"done|not_done","why":TEXT}   {}
 * halt         M {"why":TEXT}                               {}
 * connection.retry M {"connection":NAME}                    {}   one that rests does so no more
 * resume       M {"clock":bool?}                            {"waiting":N}   what waited is decided afresh;
 *                                                           clock: a clock that has jumped is believed
 * rollback     M {"plan":hex,"run":N,"why":TEXT}            {"cancelled":N,"run":N,"steps":N}   takes back what the run and
 *                                                           all that came from it did; refused when the plan of that
 *                                                           digest (undo_plan.h) is not what it would do now. Again,
 *                                                           when it is stuck: tries once more
 * run.cancel   M {"only"?:bool,"run":N,"why":TEXT}           {}   with the open runs that it began, unless only
 * run.label    M {"by","nonce":hex32,"run":N,"sensitivity","seq":N,"signature":hex,"untrusted":bool,"why":TEXT}
 *                                                           {}   lowers what the run counts as having read; refused
 *                                                           when it has moved since that record. Signed is the
 *                                                           canonical {"incarnation","nonce","run","sensitivity",
 *                                                           "seq","untrusted","verdict":"label","why"}
 * run.migrate  M {"checked_seq":N,"plugin":hex,"run":N}     {}   refused when the run has moved since that record
 * run.resume   M {"run":N}                                  {}   a paused run is replayed once more
 * run.send     M {"body":any,"name":TEXT,"run":N,"sensitivity"?,"untrusted"?:true}   {}
 * stuck.retry  M {"follow"?:bool|"end","number":N,"why"?}    {"from"?:SEQ,"path"?,"run":N}: a run that failed goes on from
 *                                                           the step that failed, or where that is not safe from where
 *                                                           it ended; a paused one is replayed once more
 * stuck.resolve M {"number":N,"result"?:any,"why":TEXT}     {}
 * stuck.drop   M {"number":N,"why":TEXT}                    {}   a paused run is refused: cancel it
 * unknown.check M {"number":N} or {"path","run":N}          {}   Keel looks now, as if it had not yet; refused where
 *                                                           nobody can look
 * approver.set M {"name","public_key":hex,"salt":hex,"proof"?:hex}   {}   replacing one needs the old key's proof:
 *                                                           signature over the canonical {"approver":name,"incarnation","public_key"}
 * reload       M {}                                         {"connections":N,"plugins":N,"policy":hex,"warnings":[TEXT]}
 *                                                           policy, plugins and keel.yaml; a faulty policy is an
 *                                                           error and the old one stays
 * notify.test    {"name":NAME}                              {"name","told":bool,"why"?} when it is over
 * events         {"from":SEQ?,"run":N?}                     {} then C_EVENTs until the client goes
 *
 * `do` with follow "end": after the answer C_DONE alone. With true: C_EVENTs of the run's tree, then C_DONE {"exit":0|1|3|5,"waiting":[N]}:
 * 0 all ended, 3 the rest waits for a person, 5 the run ended and an effect was denied by policy, 1 failed.
 *
 * C_EVENT: {"agent"?,"at","kind":RECORD NAME,"path"?,"run","seq","text"}: text is one line for people.
 *
 * An approver signs (Ed25519, detached, libsodium) the canonical bytes of
 *   {"approval":hex,"incarnation":hex16,"nonce":hex32,"number":N,"remember"?:hex,"verdict":"approve"}
 * or, for an override, of
 *   {"incarnation":hex16,"nonce":hex32,"override":hex,"verdict":"override"}
 * with a key made from the passphrase by Argon2id: crypto_pwhash(32 bytes, passphrase, salt of 16
 * bytes, OPSLIMIT_INTERACTIVE, MEMLIMIT_INTERACTIVE, ALG_ARGON2ID13) as the Ed25519 seed. The kernel
 * holds public key and salt (table approver) and nothing else. */
#ifndef CONTROL_H
#define CONTROL_H

#define CONTROL_REQUEST_MIN 8
#define CONTROL_REQUEST_MAX 64

#endif
