/* The inside of keel-egress, shared by its files. One thread, one loop: nothing here locks.
 *
 * Who owns what: the egress owns connections (by number), orders and doors; a door owns the
 * executor's requests and streams, and each of those holds a reference to the connection under whose
 * words it was begun. Nothing is sent while a frame is handled: transfers are started, and doors
 * flushed, at the end of the loop's turn (loop.c). */
#ifndef EGRESS_H
#define EGRESS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "diag.h"
#include "egress_protocol.h"
#include "frame.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "map.h"
#include "origin.h"
#include "recipe.h"
#include "scrub.h"
#include "secret.h"

#define EGRESS_REQUESTS  64u         /* under way per executor, and streams */
#define EGRESS_BODY      (15u << 20) /* the largest body, either way */
#define EGRESS_HEADERS   (60u << 10) /* of an answer */
#define EGRESS_BODIES    (48u << 20) /* of the requests and answers of one executor together */
#define EGRESS_UNWRITTEN (1u << 20)  /* an executor's stream bytes that wait for the network */
#define EGRESS_KEPT_US   2000000     /* a frame whose order has not come yet */
#define EGRESS_DIGESTS   32u
#define EGRESS_BLOCK     (256u << 10) /* one read */

typedef struct egress egress;
typedef struct connection connection;
typedef struct order order;
typedef struct door door;
typedef struct request request;
typedef struct stream stream;
typedef struct transfer transfer;
typedef struct multi multi;

/* ---- multi.c: curl under the loop; one per connection, so that no two share a socket ---- */

struct multi {
    CURLM *curl;
    uv_timer_t timer;
    uv_loop_t *loop;
    multi *next_due;
    bool due; /* to be run at the end of the turn */
    unsigned handles;
    CURL *spare[8];
    size_t spares;
    void *owner;
    void (*closed)(void *owner);
};

/* One easy handle at work. */
struct transfer {
    CURL *easy;
    connection *conn;
    bool private_ok; /* the address may be a private one */
    bool tried;      /* an address was let through */
    bool forbidden;  /* the one that was not is let through for nobody */
    bool running;
    char refused[128]; /* an address that was not, for people */
    char error[CURL_ERROR_SIZE];
    void (*done)(transfer *t, CURLcode code);
};

/* `closed` is called by the loop when the memory may go. */
int multi_open(multi *m, egress *e, void *owner, void (*closed)(void *owner));
void multi_close(multi *m);
/* Runs those to which something was added in this turn. */
void multi_run_due(egress *e);
CURL *multi_handle(multi *m); /* a clean one, transfer_stop gives it back */
/* An easy handle with all that every transfer has in common, for this URL. */
void transfer_prepare(transfer *t, connection *c, const char *url, const char *protocols,
                      bool private_ok);
void transfer_start(transfer *t);
/* Takes it off, running or not, and gives the handle back. Not from within a callback of curl's. */
void transfer_stop(transfer *t);
/* The same rule again for a socket that was open already. */
bool transfer_address_ok(transfer *t, const char *ip);
/* Whether the guard let no address through; says so. */
bool transfer_refused(const transfer *t, const origin *o, char *out, size_t size);
/* What went wrong before anything was sent, for people: what, why, what to do. */
void transfer_explain(const transfer *t, CURLcode code, const origin *o, char *out, size_t size);

/* ---- connection.c ---- */

typedef struct own_origin {
    char *text;
    origin o;
} own_origin;

struct connection {
    egress *e;
    uint64_t number;
    unsigned refs;
    bool replaced; /* by other words: what is idle under these ends */
    keel_buf words;
    char *name;
    char *ca;
    bool any;
    bool plain;
    bool private_ok;
    bool limited; /* `allow` is there */
    char **allow;
    size_t allow_count;
    own_origin *origins;
    size_t origin_count;
    recipe *recipe;
    char problem[512]; /* why it cannot be used, or "" */
    multi m;
    scrub *scrub;
    recipe_headers login; /* what recipe_apply said, while `stamp` holds */
    bool login_kept;
    uint64_t stamp;
    int64_t read_us; /* when the secrets were read */
    secret access;   /* oauth2-refresh */
    int64_t access_until_us;
    uint64_t access_serial;
    struct token_fetch *fetch;
    /* Of secrets that commands give, read beside the loop; for a minute, but for `refresh`: once. */
    struct login_job *job;
    keel_buf user;
    secret password;
    bool password_is_token;
    secret refresh;
    const char *refresh_url;
};

/* Replaces, or with an empty body forgets. */
void connection_set(egress *e, uint64_t number, const char *body, size_t len);
/* The next request of each reads its secrets again. */
void connection_forget_logins(egress *e);
connection *connection_hold(connection *c);
void connection_drop(connection *c);

/* ---- allow.c ---- */

typedef struct permit {
    origin o;        /* its path is not to be used */
    keel_buf url;    /* as origin_write has it: what curl gets */
    bool own;        /* one of the connection's origins covers it: the login may go there */
    bool private_ok; /* a private address will do */
} permit;

/* 0; DIAG_USAGE: no address; DIAG_DENIED: not allowed. */
int permit_check(permit *p, const connection *c, const char *url, size_t len, diag *d);
void permit_free(permit *p);

/* ---- login.c, login_slow.c and token.c ---- */

typedef struct token_waiter token_waiter;
struct token_waiter {
    token_waiter *next;
    connection *conn;
    void (*ready)(token_waiter *w, const diag *problem); /* NULL: go on */
};

/* Whether a command has to be run for the next login, which would hold up the loop. */
bool login_slow(const connection *c);
/* Whether the login has to be waited for, by a fetch of a token or a run of a command; if so `ready`
 * follows, perhaps at once. */
bool login_waits(connection *c, token_waiter *w,
                 void (*ready)(token_waiter *w, const diag *problem));
void login_kept(connection *c); /* it has just been read */
/* Runs it beside the loop, one run for all who wait. `ready` comes later, unless token_unwait was
 * first. */
void login_wait(connection *c, token_waiter *w);
void login_unwait(token_waiter *w);

/* What the recipe adds to this request: *out is `room`, which is the caller's to free, or what the
 * connection keeps. DIAG_ code with a message when a secret cannot be had. */
int login_headers(connection *c, recipe_headers *room, const recipe_headers **out,
                  const char *method, const char *url, const char *body, size_t len, diag *d);
/* The next request reads the secrets again. */
void login_forget(connection *c);
/* For a stream without a token of its own. */
int login_stream(connection *c, keel_buf *user, secret *password, bool *token, diag *d);
/* Adds every secret of the connection's to its scrub. */
void login_scrub(connection *c);
/* The request for a new access token; `body` is the caller's to free. */
int login_refresh(connection *c, const char **url, secret *body, diag *d);

void token_forget(connection *c);
/* Whether the access token holds for now. */
bool token_good(const connection *c);
/* Fetches one, one fetch for all who wait. `ready` comes later, unless token_unwait was first. */
void token_wait(connection *c, token_waiter *w);
void token_unwait(token_waiter *w);
/* The other side refused the token with this serial number. */
void token_refused(connection *c, uint64_t serial);
/* The connection is no more: who waits is told so. */
void token_stop(connection *c);

/* ---- order.c ---- */

struct order {
    uint64_t ref;
    uint64_t executor;
    uint64_t connection;
    bool unsafe;
    bool sent;       /* G_SENDING has left */
    bool unanswered; /* something unsafe was sent and not answered as it should */
    int64_t deadline_us;
    uint64_t bytes_left;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t requests;
    unsigned told; /* bits: the statuses of G_ANSWERED that have been told */
    char digests[EGRESS_DIGESTS][65];
    size_t digest_count;
};

void order_begin(egress *e, uint64_t ref, uint64_t executor, const char *body, size_t len);
void order_end(egress *e, uint64_t ref);
/* Whether this order was once open and is so no longer. */
bool order_ended(const egress *e, uint64_t ref);
/* Before the first unsafe byte. false: the kernel cannot be told, so nothing may be sent. */
bool order_sending(egress *e, order *o);
void order_add_digest(order *o, const char *method, const char *url, const char *body, size_t len);
/* Tells the kernel of an answer that says something of the connection, or nothing. */
void order_answered(egress *e, order *o, int status, int64_t retry_after_s);
/* Counts an answer's bytes; false when the order allows no more. */
bool order_take(order *o, size_t bytes);

/* ---- door.c, door_frame.c ---- */

typedef struct held_frame held_frame;

struct door {
    egress *e;
    uint64_t executor;
    uint64_t connection;
    int fd;
    uv_poll_t poll;
    int events;
    frame_channel *channel;
    door *next_dirty;
    bool dirty;
    bool gone;   /* closed; memory goes with the poll handle */
    bool broken; /* it sent what no executor sends: closed when its frames have been fed */
    uint64_t last_run;
    request *requests;
    size_t request_count;
    stream *streams;
    size_t stream_count;
    held_frame *held;
    held_frame **held_tail;
    size_t held_bytes;
    size_t held_count;
    size_t unwritten; /* of its streams */
    size_t bodies;    /* of its requests and their answers */
};

void door_open(egress *e, const egress_door *words, int fd);
void door_close(door *d);
void door_flush(door *d);
/* Reads all that has come. */
void door_read(door *d);
void door_send(door *d, uint16_t type, uint64_t run, const char *head, size_t head_len,
               const void *rest, size_t len);
/* E_FAILED or E_CLOSED. */
void door_say(door *d, uint16_t type, uint64_t run, const char *code, const char *message);
void door_frame(void *door, const frame *f);
/* Tries the frames again that wait for an order: one has begun, or time has passed. */
void door_retry(door *d);
void door_forget_held(door *d);
void door_break(door *d, const char *why);
void door_rest(door *d); /* reads or not, as `unwritten` says */

/* ---- http.c, http_parse.c, http_answer.c, http_redirect.c ---- */

struct request {
    transfer t; /* first */
    token_waiter waiter;
    request *next;
    door *door;
    order *order;
    uint64_t run;
    char method[16];
    bool safe;   /* GET, HEAD, OPTIONS */
    bool counts; /* unsafe under an unsafe order */
    bool follow;
    bool sent;      /* curl was let send it */
    bool attempted; /* the same of this attempt: there is another after a redirect or a 401 */
    bool repeated;
    bool too_large;
    bool waiting; /* for a token */
    bool fresh;   /* the token has just come: it is used, however short it holds */
    unsigned redirects;
    uint64_t serial; /* of the token that it carried */
    permit permit;
    struct curl_slist *list; /* the executor's headers */
    size_t list_given;
    struct curl_slist *lines; /* all that are sent */
    char *body;
    size_t body_len;
    size_t reserved; /* counted in the door's bodies */
    uint64_t limit;
    int64_t deadline_us;
    keel_buf head; /* of the answer: lines "name: value" */
    keel_buf answer;
};

void http_begin(door *d, order *o, const frame *f);
/* Stops it. `code` and `message` go to the executor, unless NULL. */
void http_cancel(request *r, const char *code, const char *message);
/* The code for what ended without an answer: before sending, after it. */
const char *http_lost_code(const request *r, const char *after);
void http_fail(request *r, const char *code, const char *message);
void http_perform(request *r);
void http_answer(request *r, int status);
bool http_redirect(request *r, int status);
/* Fills all but what the connection and the order say; the URL is in `url`. 0 or DIAG_USAGE. */
int http_parse(request *r, const frame *f, keel_buf *url, diag *d);
/* Sets r's permit. 0, DIAG_USAGE or DIAG_DENIED. */
int http_permit(request *r, const char *url, size_t len, diag *d);
/* A line that the executor may not set besides those of the login. */
bool http_header_reserved(const char *name, size_t len);
size_t http_on_header(char *data, size_t size, size_t count, void *ctx);
size_t http_on_body(char *data, size_t size, size_t count, void *ctx);

/* ---- loop.c ---- */

struct egress {
    uv_loop_t loop;
    uv_poll_t kernel_poll;
    uv_poll_t doors_poll;
    uv_prepare_t turn;
    uv_timer_t held_timer;
    frame_channel *kernel;
    bool kernel_writing;
    bool stopping;
    int status;
    keel_buf start; /* canonical; `places` looks into it */
    char *folder;
    char *credentials;
    secret_places places;
    map connections;
    map orders;
    map doors;
    uint64_t ended[256]; /* orders that are over, the latest ones */
    size_t ended_at;
    multi *due;
    door *dirty;
    char block[EGRESS_BLOCK];        /* what a door said */
    char kernel_block[EGRESS_BLOCK]; /* what the kernel said, of which a frame may read a door */
    char stream_block[EGRESS_BLOCK]; /* what a stream said, of which a door's frame may read one */
};

int egress_main(void);
void egress_stop(egress *e, int status);
void egress_send(egress *e, uint16_t type, uint64_t ref, const char *body, size_t len);
void egress_note(egress *e, const char *level, const char *text);
/* Writes all that is queued for the kernel, waiting if need be. false: it has gone. */
bool egress_write_through(egress *e);
void egress_held(egress *e); /* some frame waits for its order: see to it in time */
int64_t egress_now_us(void); /* monotonic */

#endif
