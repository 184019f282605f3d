/* A simulator of egress that plays a script: it answers each request with the next answer of a list,
 * and writes down what was asked. It opens no socket to anywhere. */
#ifndef SCRIPT_SIM_H
#define SCRIPT_SIM_H

typedef struct script_sim script_sim;

/* Runs in a thread of its own; *executor_fd is the end that an executor gets. */
script_sim *script_sim_start(int *executor_fd);
void script_sim_end(script_sim *s);
/* Adds an answer: "STATUS HEADERS BODY", where HEADERS is a JSON object without blanks ({} for none),
 * or "failed CODE": no answer came. */
void script_sim_answer(script_sim *s, const char *answer);
/* What was asked since the last call, freed by the caller: per request a line "METHOD URL" (+ " follow"),
 * one "NAME: VALUE" per header, and the body if there is one. Answers that nothing asked for are
 * forgotten, and said as "not asked for: ANSWER". */
char *script_sim_log(script_sim *s);

#endif
