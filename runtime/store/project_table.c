/* What each kind of record does to the tables. A rule is one statement; its parameters name where
 * their values come from:
 *
 *   :seq :at :boot :run :path      the record's columns
 *   @t_name $t_name                the body's member `name`: required, or NULL when it is not there
 *   @t_a__b                        the member b of member a
 *   @T_name                        a member of the element, in a rule for `each` element of an
 * array
 *
 * and their type: t text, i integer, x hex as a blob, j canonical JSON as text, b true or false. */
#include "project.h"

/* The item of the effect at this path, by its number: a search for what is open would change the
 * index that it walks, and SQLite would gather the rows in a table of its own first. */
#define ITEM_HERE                                                                                  \
    " WHERE number = (SELECT number FROM effect WHERE run = :run AND path = :path)"                \
    " AND state = 'open'"

/* Closes what is open at this path; `state` is a literal. */
#define CLOSE_ITEM(state)                                                                          \
    "UPDATE item SET state = '" state                                                              \
    "', closed_us = :at, closed_by = coalesce($t_by, closed_by),"                                  \
    " closed_why = $t_why" ITEM_HERE

#define CLOSE_NUMBER(state)                                                                        \
    "UPDATE item SET state = '" state                                                              \
    "', closed_us = :at, closed_by = coalesce($t_by, closed_by),"                                  \
    " closed_why = $t_why WHERE number = @i_number AND state = 'open'"

#define USE_OVERRIDE                                                                               \
    "UPDATE item SET state = 'used', closed_us = :at WHERE number = @i_override AND state = "      \
    "'open'"
/* Of a denial, expires_us is until when it stands. */
#define END_DENIAL "UPDATE item SET expires_us = :at WHERE number = @i_lifted AND state = 'denied'"
/* There is a row, unless what it came to is of an account in which nothing was held. */
#define SETTLE                                                                                     \
    "INSERT INTO budget(budget, scope, window, unit, spent, held, overrun)"                        \
    " VALUES(@T_budget, @T_scope, @T_window, @T_unit, @I_actual, -@I_amount,"                      \
    " coalesce($I_overrun, 0)) ON CONFLICT(budget, scope, window, unit) DO UPDATE SET"             \
    " held = held + excluded.held, spent = spent + excluded.spent,"                                \
    " overrun = overrun + excluded.overrun"

#define USE_GRANT "UPDATE grant SET used = used + 1 WHERE number = @i_grant"
/* What is spent without having been held. */
#define SPEND                                                                                      \
    "INSERT INTO budget(budget, scope, window, unit, spent, held, overrun)"                        \
    " VALUES(@T_budget, @T_scope, @T_window, @T_unit, @I_amount, 0, 0)"                            \
    " ON CONFLICT(budget, scope, window, unit) DO UPDATE SET spent = spent + excluded.spent"

#define EFFECT_STATE(state)                                                                        \
    "UPDATE effect SET state = '" state                                                            \
    "', undone_by = @t_undo, last_seq = :seq, changed_us = :at WHERE run = :run AND path = :path"

#define PENDING                                                                                    \
    "INSERT INTO pending(run, path, kind, seq, due_us, target_run, name) VALUES(:run, :path, "

/* What the run has read. The words come in this order, so that the place of one tells how high it is. */
#define TAINTS "UPDATE run SET tainted = 1 WHERE id = :run AND @b_tainted"
#define LEVELS "'public internal confidential restricted'"
#define RAISES                                                                                     \
    "UPDATE run SET sensitivity = @t_sensitivity WHERE id = :run"                                  \
    " AND instr(" LEVELS ", @t_sensitivity) > instr(" LEVELS ", sensitivity)"

#define OF_POLL " WHERE connection = @t_connection AND resource = @t_resource"
#define ARRIVED " @t_connection || '.' || @t_resource"
/* Runs that are open, or that a person may have go on. */
#define RECEIVERS                                                                                  \
    "(SELECT id FROM run WHERE state IN ('open', 'paused') UNION"                                  \
    " SELECT run FROM item WHERE state = 'open' AND kind = 'stuck')"

#define EFFECT                                                                                     \
    "INSERT INTO effect(run, path, target, class, state, reason, attempts, number, digest, key,"   \
    " rule, args_seq, last_seq, due_us, holds, cost_micros, currency, opened_us, changed_us,"      \
    " sent_seq) VALUES(:run, :path, @t_target, @t_class, "

const project_rule project_rules[] = {
    {RECORD_BOOT, NULL, NULL,
     "INSERT INTO boot(boot, started_us, stopped_us, first_seq, version)"
     " VALUES(:boot, :at, NULL, :seq, @t_version)"},
    {RECORD_BOOT, NULL, NULL,
     "INSERT OR IGNORE INTO control(id, halted, halted_why, halted_us) VALUES(1, 0, NULL, NULL)"},

    {RECORD_STOP, NULL, NULL, "UPDATE boot SET stopped_us = :at WHERE boot = :boot"},

    {RECORD_COMMAND, NULL, NULL,
     "INSERT INTO request(id, name, digest, seq) VALUES(@t_request, @t_name, @x_digest, :seq)"},

    {RECORD_POLICY, NULL, NULL,
     "INSERT INTO policy_version(seq, digest, loaded_us) VALUES(:seq, @x_digest, :at)"},
    {RECORD_POLICY, "files", NULL,
     "INSERT INTO policy_file(seq, name, artifact) VALUES(:seq, @T_name, @X_digest)"},

    {RECORD_PLUGIN, NULL, NULL,
     "INSERT OR REPLACE INTO plugin(digest, id, version, kind, name, seq, at_us)"
     " VALUES(@x_digest, @t_id, @t_version, @t_kind, @t_name, :seq, :at)"},
    {RECORD_PLUGIN, "files", NULL,
     "INSERT OR REPLACE INTO plugin_file(plugin, name, artifact)"
     " VALUES(@x_digest, @T_name, @X_digest)"},

    {RECORD_CONNECTION, NULL, NULL,
     "INSERT OR REPLACE INTO connection(name, plugin, version, seq)"
     " VALUES(@t_name, @t_plugin, @t_version, :seq)"},

    {RECORD_HALT, NULL, NULL,
     "INSERT OR REPLACE INTO control(id, halted, halted_why, halted_us, halted_by)"
     " VALUES(1, 1, $t_why, :at, $t_by)"},
    {RECORD_RESUME, NULL, NULL,
     "INSERT OR REPLACE INTO control(id, halted, halted_why, halted_us) VALUES(1, 0, NULL, NULL)"},

    {RECORD_BATCH, NULL, NULL,
     "INSERT OR REPLACE INTO batch(batch, numbers, shown_us) VALUES(@i_batch, @j_numbers, :at)"},

    {RECORD_APPROVER, NULL, NULL,
     "INSERT OR REPLACE INTO approver(name, public_key, salt, at_us)"
     " VALUES(@t_name, @x_public_key, @x_salt, :at)"},

    {RECORD_BREAKER, NULL, NULL,
     "INSERT OR REPLACE INTO breaker(connection, state, since_us, until_us, why)"
     " VALUES(@t_connection, @t_state, :at, $i_until_us, @t_why)"},
    {RECORD_ERASED, "records", NULL,
     "INSERT OR IGNORE INTO erased(seq, body, at_us) VALUES(@I_seq, @J_body, :at)"},
    {RECORD_ARCHIVED, NULL, NULL,
     "INSERT INTO archive(first, last, file, digest, head)"
     " VALUES(@i_first, @i_last, @t_file, @x_digest, @x_head)"},

    {RECORD_RESTORED, NULL, NULL,
     "INSERT INTO restored(seq, incarnation, last, last_us, at_us, lives)"
     " VALUES(:seq, @t_from, @i_seq, @i_last_us, :at, $j_lives)"},

    {RECORD_POLLED, NULL, "baseline", /* what another account found is nobody's any more */
     "DELETE FROM arrival WHERE name =" ARRIVED " AND EXISTS (SELECT 1 FROM poll" OF_POLL
     " AND account <> @t_account)"},
    {RECORD_POLLED, NULL, NULL,
     "INSERT OR REPLACE INTO poll(connection, resource, account, next, seq)"
     " VALUES(@t_connection, @t_resource, @t_account, $j_next, :seq)"},
    {RECORD_POLLED, NULL, "baseline", "DELETE FROM polled_id" OF_POLL},
    {RECORD_POLLED, "drop", NULL, "DELETE FROM polled_id" OF_POLL " AND id = @T_id"},
    {RECORD_POLLED, "items", NULL,
     "INSERT OR REPLACE INTO polled_id(connection, resource, seq, id)"
     " VALUES(@t_connection, @t_resource, :seq, @T_id)"},
    {RECORD_POLLED, "items", NULL,
     "INSERT INTO arrival(name, seq, item) SELECT" ARRIVED ", :seq,"
     " (SELECT count(*) FROM arrival WHERE name =" ARRIVED " AND seq = :seq)"
     " WHERE NOT $b_baseline"},
    {RECORD_POLLED, NULL, NULL, "DELETE FROM received WHERE run NOT IN " RECEIVERS},
    {RECORD_POLLED, NULL, NULL, /* every run has received it, or began behind it */
     "DELETE FROM arrival WHERE name =" ARRIVED " AND seq < :seq AND seq <"
     " coalesce((SELECT min(coalesce(c.seq, r.since_seq)) FROM run r LEFT JOIN received c"
     " ON c.run = r.id AND c.name =" ARRIVED " WHERE r.id IN " RECEIVERS "), :seq)"},

    {RECORD_RUN_BEGIN, NULL, NULL,
     "INSERT INTO run(id, agent, version, plugin, state, reason, parent, parent_path, root, depth,"
     " key, tainted, continued_from, begin_seq, end_seq, started_us, ended_us, strikes, since_seq,"
     " sensitivity, quarantine)"
     " VALUES(:run, @t_agent, @t_version, @x_plugin, 'open', NULL, $i_parent, $t_parent_path,"
     " @i_root, @i_depth, $t_key, $b_tainted, $i_continued_from, :seq, NULL, :at, NULL, 0,"
     " coalesce($i_since, :seq), coalesce($t_sensitivity, 'internal'), $j_quarantine)"},
    {RECORD_RUN_BEGIN, NULL, "continued_from",
     "INSERT INTO received(run, name, seq, item)"
     " SELECT :run, name, seq, item FROM received WHERE run = @i_continued_from"},

    {RECORD_RUN_END, NULL, NULL,
     "UPDATE run SET state = @t_state, reason = $t_error__message, end_seq = :seq, ended_us = :at"
     " WHERE id = :run"},
    {RECORD_RUN_END, NULL, "result",
     "INSERT INTO role(agent, run, seq) SELECT agent, id, :seq FROM run"
     " WHERE id = :run AND state = 'ended'"
     " ON CONFLICT(agent) DO UPDATE SET run = excluded.run, seq = excluded.seq"},
    {RECORD_RUN_END, NULL, "dropped", "DELETE FROM pending WHERE run = :run"},
    {RECORD_RUN_END, AGAIN, "dropped",
     "UPDATE item SET state = 'cancelled', closed_us = :at, closed_why = 'the run is ' || @t_state"
     " WHERE number = (SELECT min(number) FROM item WHERE run = :run AND state = 'open'"
     " AND (kind = 'approval' OR kind = 'question'))"}, /* what is unknown stays so */

    {RECORD_RUN_PAUSED, NULL, NULL,
     "UPDATE run SET state = 'paused', reason = @t_reason WHERE id = :run"},
    {RECORD_RUN_RESUMED, NULL, NULL,
     "UPDATE run SET state = 'open', reason = NULL, strikes = 0 WHERE id = :run"},
    {RECORD_RUN_STRIKE, NULL, NULL, "UPDATE run SET strikes = @i_strikes WHERE id = :run"},

    {RECORD_SLEEP, NULL, NULL, PENDING "'sleep', :seq, @i_until_us, NULL, NULL)"},
    {RECORD_RECEIVE, NULL, NULL, PENDING "'receive', :seq, $i_until_us, NULL, $t_name)"},
    {RECORD_WAIT, NULL, NULL, PENDING "'wait', :seq, NULL, @i_run, NULL)"},
    {RECORD_QUESTION, NULL, NULL, PENDING "'ask', :seq, $i_expires_us, NULL, NULL)"},
    {RECORD_QUESTION, NULL, NULL,
     "INSERT INTO item(number, kind, run, path, state, args_seq, opened_us, expires_us, raise_us)"
     " VALUES(@i_number, 'question', :run, :path, 'open', :seq, :at, $i_expires_us, $i_raise_us)"},
    {RECORD_QUESTION, "attention", NULL, SPEND},
    {RECORD_WOKEN, NULL, NULL, "DELETE FROM pending WHERE run = :run AND path = :path"},
    {RECORD_WOKEN, NULL, "number",
     "UPDATE item SET state = @t_how, closed_us = :at, closed_by = $t_by, closed_why = $t_why"
     " WHERE number = @i_number AND state = 'open'"},
    {RECORD_WOKEN, NULL, "event", "DELETE FROM event WHERE seq = @i_event"},
    {RECORD_WOKEN, NULL, "item",
     "INSERT OR REPLACE INTO received(run, name, seq, item)"
     " VALUES(:run, @t_from, @i_event, @i_item)"},
    {RECORD_WOKEN, NULL, "tainted", TAINTS},
    {RECORD_WOKEN, NULL, "sensitivity", RAISES},
    {RECORD_EVENT, NULL, NULL, "INSERT INTO event(seq, run, name) VALUES(:seq, :run, @t_name)"},

    {RECORD_SPAWN, "holds", NULL, SPEND},
    {RECORD_SPAWN, NULL, NULL,
     "UPDATE effect SET state = 'done', reason = NULL, due_us = NULL, last_seq = :seq,"
     " changed_us = :at WHERE run = :run AND path = :path"},
    {RECORD_SPAWN, NULL, "tainted", TAINTS},
    {RECORD_SPAWN, NULL, "sensitivity", RAISES},
    {RECORD_SPAWN, NULL, "approval",
     "UPDATE item SET state = 'approved', closed_us = :at"
     " WHERE number = @i_approval AND state = 'open'"},

    {RECORD_SPAWN, NULL, "grant", USE_GRANT},
    {RECORD_SPAWN, NULL, "override", USE_OVERRIDE},
    {RECORD_OVERRIDE, NULL, "lifted", END_DENIAL},
    {RECORD_OVERRIDE, NULL, "override",
     "INSERT INTO item(number, kind, run, path, state, digest, args_seq, opened_us, expires_us,"
     " closed_by, closed_why) VALUES(@i_number, 'override', :run, :path, 'open', @x_approval,"
     " @i_denied, :at, @i_expires_us, @t_by, @t_why)"},

    {RECORD_EFFECT_DENIED, NULL, NULL,
     EFFECT "'denied', NULL, 0, NULL, @x_digest, NULL, $t_decision__rule, :seq, :seq, NULL, NULL,"
            " 0, NULL, :at, :at, NULL) ON CONFLICT(run, path) DO UPDATE SET state = excluded.state,"
            " reason = NULL, digest = excluded.digest, rule = excluded.rule,"
            " args_seq = excluded.args_seq, last_seq = excluded.last_seq, due_us = NULL,"
            " changed_us = excluded.changed_us"},
    {RECORD_EFFECT_DENIED, NULL, NULL,
     "UPDATE item SET state = 'denied', closed_us = :at, closed_why = $t_decision__why" ITEM_HERE},

    {RECORD_EFFECT_WAITING, NULL, NULL,
     EFFECT "'waiting', @t_reason, 0, $i_number, @x_digest, NULL, $t_decision__rule, :seq, :seq,"
            " coalesce($i_expires_us, $i_until_us), NULL, 0, NULL, :at, :at, NULL)"
            " ON CONFLICT(run, path) DO UPDATE SET"
            " state = excluded.state, reason = excluded.reason,"
            " number = coalesce(excluded.number, number), digest = excluded.digest,"
            " rule = excluded.rule, args_seq = excluded.args_seq, last_seq = excluded.last_seq,"
            " due_us = excluded.due_us, changed_us = excluded.changed_us"},
    {RECORD_EFFECT_WAITING, NULL, "number",
     "INSERT INTO item(number, kind, run, path, state, digest, args_seq, opened_us, expires_us,"
     " raise_us, batch_key, batch_max)"
     " VALUES(@i_number, 'approval', :run, :path, 'open', $x_approval, :seq, :at, $i_expires_us,"
     " $i_raise_us, $t_batch__key, $i_batch__max)"},

    {RECORD_EFFECT_WAITING, "attention", NULL, SPEND},

    {RECORD_EFFECT_INTENDED, NULL, NULL,
     EFFECT "'intended', NULL, @i_attempt, NULL, @x_digest, @t_key, $t_decision__rule, :seq, :seq,"
            " NULL, nullif(@j_holds, '[]'), 0, NULL, :at, :at, :seq)"
            " ON CONFLICT(run, path) DO UPDATE SET"
            " state = excluded.state, reason = NULL, attempts = excluded.attempts,"
            " parked = iif(excluded.attempts = 1, 0, parked),"
            " granted = iif(excluded.attempts = 1, NULL, granted),"
            " digest = excluded.digest, key = excluded.key, rule = coalesce(excluded.rule, rule),"
            " args_seq = iif($j_args IS NULL, args_seq, excluded.args_seq),"
            " last_seq = excluded.last_seq, due_us = NULL, holds = excluded.holds,"
            " changed_us = excluded.changed_us, sent_seq = excluded.sent_seq"},
    {RECORD_EFFECT_INTENDED, "holds", NULL,
     "INSERT INTO budget(budget, scope, window, unit, spent, held, overrun)"
     " VALUES(@T_budget, @T_scope, @T_window, @T_unit, 0, @I_amount, 0)"
     " ON CONFLICT(budget, scope, window, unit) DO UPDATE SET held = held + excluded.held"},
    {RECORD_EFFECT_INTENDED, NULL, "approval",
     "UPDATE item SET state = 'approved', closed_us = :at"
     " WHERE number = @i_approval AND state = 'open'"},

    {RECORD_EFFECT_INTENDED, NULL, "grant",
     "UPDATE effect SET granted = @i_grant WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_INTENDED, NULL, "grant", USE_GRANT},
    {RECORD_EFFECT_INTENDED, NULL, "override", USE_OVERRIDE},

    {RECORD_EFFECT_INTENDED, NULL, "undo",
     "UPDATE effect SET undo = @t_undo WHERE run = :run AND path = :path"},

    {RECORD_EFFECT_DONE, NULL, NULL,
     "UPDATE effect SET state = 'done', reason = NULL, last_seq = :seq, due_us = NULL,"
     " holds = NULL, cost_micros = cost_micros + coalesce($i_cost__micros, 0),"
     " currency = coalesce($t_cost__currency, currency), changed_us = :at"
     " WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_DONE, NULL, "usage",
     "UPDATE effect SET model = $t_usage__model, tokens_in = tokens_in + $i_usage__input,"
     " tokens_out = tokens_out + $i_usage__output,"
     " tokens_cache_read = tokens_cache_read + $i_usage__cache_read,"
     " tokens_cache_write = tokens_cache_write + $i_usage__cache_write,"
     " price = $j_price WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_DONE, NULL, "unpriced",
     "UPDATE effect SET unpriced = 1 WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_DONE, "settled", NULL, SETTLE},
    {RECORD_EFFECT_DONE, NULL, "tainted", TAINTS},
    {RECORD_EFFECT_DONE, NULL, "sensitivity", RAISES},
    {RECORD_EFFECT_DONE, NULL, NULL, CLOSE_ITEM("settled")},
    {RECORD_EFFECT_DONE, "kv", NULL,
     "DELETE FROM kv WHERE connection = @T_connection AND key = @T_key"},
    {RECORD_EFFECT_DONE, "kv", NULL,
     "INSERT INTO kv(connection, key, value) SELECT @T_connection, @T_key, $J_value"
     " WHERE $J_value IS NOT NULL"},

    {RECORD_EFFECT_NOT_DONE, NULL, NULL,
     "UPDATE effect SET state = 'not_done', reason = NULL, last_seq = :seq, due_us = NULL,"
     " holds = NULL, changed_us = :at WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_NOT_DONE, "settled", NULL, SETTLE},
    {RECORD_EFFECT_NOT_DONE, NULL, "tainted", TAINTS},
    {RECORD_EFFECT_NOT_DONE, NULL, "sensitivity", RAISES},
    {RECORD_EFFECT_NOT_DONE, NULL, NULL, CLOSE_ITEM("settled")},

    {RECORD_EFFECT_UNKNOWN, NULL, NULL,
     "UPDATE effect SET state = 'unknown', reason = @t_owner, due_us = $i_next_check_us,"
     " number = coalesce($i_number, number), last_seq = :seq, changed_us = :at"
     " WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_UNKNOWN, NULL, "number",
     "INSERT INTO item(number, kind, run, path, state, args_seq, opened_us)"
     " SELECT @i_number, 'unknown', run, path, 'open', args_seq, :at FROM effect"
     " WHERE run = :run AND path = :path ON CONFLICT(number) DO NOTHING"},

    {RECORD_EFFECT_RECONCILING, NULL, NULL,
     "UPDATE effect SET state = 'reconciling', due_us = NULL, last_seq = :seq, changed_us = :at"
     " WHERE run = :run AND path = :path"},

    {RECORD_EFFECT_RETRY, NULL, NULL,
     "UPDATE effect SET state = 'retry', reason = NULL, due_us = @i_not_before_us, holds = NULL,"
     " parked = parked + $b_unsent, last_seq = :seq, changed_us = :at"
     " WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_RETRY, "settled", NULL, SETTLE},
    {RECORD_EFFECT_RETRY, NULL, NULL, CLOSE_ITEM("settled")},

    {RECORD_EFFECT_REJECTED, NULL, NULL,
     "UPDATE effect SET state = 'rejected', reason = NULL, due_us = NULL, last_seq = :seq,"
     " changed_us = :at WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_REJECTED, NULL, NULL, CLOSE_NUMBER("denied")},
    {RECORD_EFFECT_REJECTED, NULL, "stands_us",
     "UPDATE item SET expires_us = @i_stands_us WHERE number = @i_number"},
    {RECORD_EFFECT_REJECTED, "attention", NULL, SPEND},

    {RECORD_EFFECT_EXPIRED, NULL, NULL,
     "UPDATE effect SET state = 'expired', reason = NULL, due_us = NULL, last_seq = :seq,"
     " changed_us = :at WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_EXPIRED, NULL, NULL, CLOSE_NUMBER("expired")},

    {RECORD_EFFECT_STALE, NULL, NULL,
     "UPDATE effect SET state = 'stale', reason = NULL, due_us = NULL, last_seq = :seq,"
     " changed_us = :at WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_STALE, NULL, "number", CLOSE_NUMBER("stale")},

    {RECORD_APPROVAL_GIVEN, NULL, NULL,
     "UPDATE item SET closed_by = @t_by WHERE number = @i_number AND state = 'open'"},

    {RECORD_APPROVAL_GIVEN, NULL, "lifted", END_DENIAL},
    {RECORD_APPROVAL_GIVEN, "attention", NULL, SPEND},
    {RECORD_APPROVAL_EDITED, "attention", NULL, SPEND},
    {RECORD_APPROVAL_EDITED, NULL, NULL,
     "UPDATE item SET digest = @x_approval, args_seq = :seq, raise_us = NULL,"
     " batch_key = $t_batch__key, batch_max = $i_batch__max"
     " WHERE number = @i_number AND state = 'open'"},
    {RECORD_APPROVAL_EDITED, NULL, NULL,
     "UPDATE effect SET digest = @x_digest, rule = coalesce($t_decision__rule, rule),"
     " args_seq = :seq, last_seq = :seq, changed_us = :at WHERE run = :run AND path = :path"},

    {RECORD_EFFECT_COMPENSATING, NULL, NULL, EFFECT_STATE("compensating")},
    {RECORD_EFFECT_COMPENSATED, NULL, NULL, EFFECT_STATE("compensated")},
    {RECORD_COMPENSATION_UNKNOWN, NULL, NULL, EFFECT_STATE("compensation_unknown")},
    {RECORD_COMPENSATION_FAILED, NULL, NULL, EFFECT_STATE("compensation_failed")},
    {RECORD_EFFECT_RECHECKED, NULL,
     NULL, /* its last record is still the one that has its outcome */
     "UPDATE effect SET rechecked_seq = :seq WHERE run = :run AND path = :path"},
    {RECORD_EFFECT_REOPENED, NULL, NULL,
     "UPDATE effect SET state = 'proposed', reason = NULL, due_us = NULL, last_seq = :seq,"
     " changed_us = :at WHERE run = :run AND path = :path"},

    {RECORD_STUCK, NULL, NULL,
     "INSERT INTO item(number, kind, run, path, state, args_seq, opened_us, owner, reason, next)"
     " VALUES(@i_number, 'stuck', :run, :path, 'open', :seq, :at, @t_owner, @t_reason, @t_next)"},
    {RECORD_STUCK_CLOSED, NULL, NULL,
     "UPDATE item SET state = @t_how, closed_us = :at, closed_by = @t_by, closed_why = @t_why"
     " WHERE number = @i_number AND state = 'open'"},
    {RECORD_ESCALATED, NULL, NULL,
     "UPDATE item SET escalated = @i_step, escalated_us = :at WHERE number = @i_number"},

    {RECORD_RUN_REOPENED, NULL, NULL,
     "UPDATE run SET state = 'open', reason = NULL, end_seq = NULL, ended_us = NULL, strikes = 0"
     " WHERE id = :run"},
    {RECORD_RUN_MIGRATED, NULL, NULL,
     "UPDATE run SET plugin = @x_plugin, version = @t_version, state = 'open', reason = NULL"
     " WHERE id = :run"},
    {RECORD_RUN_LABEL, NULL, NULL,
     "UPDATE run SET tainted = @b_tainted, sensitivity = @t_sensitivity WHERE id = :run"},
    {RECORD_ROLLBACK_BEGUN, NULL, NULL,
     "INSERT OR REPLACE INTO rollback(run, state, seq, begun_us, ended_us)"
     " VALUES(:run, 'open', :seq, :at, NULL)"},
    {RECORD_ROLLBACK_ENDED, NULL, NULL,
     "UPDATE rollback SET state = @t_state, ended_us = :at WHERE run = :run"},

    {RECORD_GRANT_GIVEN, NULL, NULL,
     "INSERT INTO grant(number, by, agent, target, rule, scope, digest, incarnation, run, path,"
     " given_us, expires_us, max_uses, used) VALUES(@i_grant, @t_by, @t_scope__agent,"
     " @t_scope__target, @t_scope__rule, @j_scope, @x_remember, @t_incarnation, @i_of__run,"
     " @t_of__path, :at, @i_expires_us, @i_scope__max_uses, 0)"},
    {RECORD_GRANT_ENDED, NULL, NULL,
     "UPDATE grant SET ended_us = :at, ended_by = @t_by, ended_why = @t_why"
     " WHERE number = @i_grant AND ended_us IS NULL"},
};

const size_t project_rule_count = sizeof project_rules / sizeof project_rules[0];
