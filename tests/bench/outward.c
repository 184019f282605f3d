#include "outward.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "loopback.h"
#include "world.h"

#define REQUESTS 2000
#define MESSAGES 6000

/* Copies the workspace and fills in the port. */
static world *make(const outward *o, const char *name, int port) {
    char folder[4096], command[9000];
    snprintf(folder, sizeof folder, "%s/%s", o->folder, name);
    world *w = world_create(o->keel, o->workspace, folder);
    snprintf(command, sizeof command,
             "cd '%s' && sed 's/@PORT@/%d/' keel.yaml.in > keel.yaml && rm keel.yaml.in && "
             "mkdir -p mail/cur mail/new mail/tmp",
             folder, port);
    if (system(command) != 0) {
        bench_die("%s cannot be prepared", folder);
    }
    return w;
}

/* A number in the newest record of that kind. */
static double last_number(world *w, const char *path) {
    sqlite3 *db;
    sqlite3_stmt *st;
    double value = -1;
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "SELECT json_extract(CAST(coalesce(j.body, p.bytes) AS TEXT), '%s') FROM journal j"
        " LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind = 34 ORDER BY seq DESC LIMIT 1",
        path);
    if (sqlite3_open_v2(world_db(w), &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
        bench_die("%s cannot be read", world_db(w));
    }
    if (sqlite3_step(st) == SQLITE_ROW) {
        value = sqlite3_column_double(st, 0);
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return value;
}

void outward_hop(const outward *o) {
    char input[64];
    double added[16], direct[16];
    int port = loopback_serve();
    world *w = make(o, "hop", port);
    int64_t runs;
    snprintf(input, sizeof input, "{\"count\":%d}", REQUESTS);
    load l = {.agent = "hop", .input = input, .in_flight = 1, .runs = 1};
    world_up(w);
    world_load(w, &l, &runs);
    for (int i = 0; i < o->rounds; i++) {
        direct[i] = loopback_curl_us(port, REQUESTS);
        world_load(w, &l, &runs);
        added[i] = last_number(w, "$.result.items[0].p50_ns") / 1000 - direct[i];
    }
    world_destroy(w);
    double median = bench_median(added, (size_t)o->rounds);
    report_add(o->report, "egress_added_us", median, "us", bench_median(direct, (size_t)o->rounds),
               "<= 250", median <= 250);
}

/* Mails as people and programs write them: plain, quoted-printable with an HTML part, and with an
 * attachment. */
static void write_mail(FILE *f, int i) {
    fprintf(
        f,
        "From: Customer %d <customer%d@client.example>\r\nTo: Ada <ada@studio.example>\r\n"
        "Subject: =?utf-8?Q?Angebot_f=C3=BCr_Projekt_%d?=\r\nMessage-ID: <m%d@client.example>\r\n"
        "Date: Mon, %d Nov 2026 10:%02d:00 +0100\r\nMIME-Version: 1.0\r\n",
        i % 200, i % 200, i, i, 1 + i % 28, i % 60);
    if (i % 3 == 0) {
        fputs("Content-Type: text/plain; charset=utf-8\r\n\r\n", f);
        for (int line = 0; line < 30; line++) {
            fprintf(f, "Line %d of a letter that asks for a quote and says why it is urgent.\r\n",
                    line);
        }
        return;
    }
    fputs("Content-Type: multipart/mixed; boundary=\"cut\"\r\n\r\n--cut\r\n"
          "Content-Type: text/html; charset=iso-8859-1\r\n"
          "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><body>\r\n",
          f);
    for (int line = 0; line < 40; line++) {
        fprintf(f, "<p>Gr=FC=DFe aus M=FCnchen, Absatz %d, mit <b>Auszeichnung</b>.</p>=\r\n\r\n",
                line);
    }
    fputs("</body></html>\r\n", f);
    if (i % 3 == 1) {
        fputs("--cut\r\nContent-Type: application/pdf; name=\"offer.pdf\"\r\n"
              "Content-Transfer-Encoding: base64\r\n\r\n",
              f);
        for (int line = 0; line < 100; line++) {
            fputs(
                "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0ZpbHRlci9GbGF0ZURl\r\n",
                f);
        }
    }
    fputs("--cut--\r\n", f);
}

static void fill(const char *folder) {
    for (int i = 0; i < MESSAGES; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/mail/cur/%010d.bench:2,S", folder, i);
        FILE *f = fopen(path, "w");
        if (!f) {
            bench_die("%s cannot be written", path);
        }
        write_mail(f, i);
        fclose(f);
    }
}

void outward_mail(const outward *o) {
    double rate[16];
    char folder[4096];
    int64_t runs;
    load l = {.agent = "reader", .input = "{}", .in_flight = 1, .runs = 1};
    world *w = make(o, "mailbox", 9);
    snprintf(folder, sizeof folder, "%s/mailbox", o->folder);
    fill(folder);
    world_up(w);
    world_load(w, &l, &runs);
    for (int i = 0; i < o->rounds; i++) {
        rate[i] = MESSAGES / world_load(w, &l, &runs);
    }
    world_destroy(w);
    double median = bench_median(rate, (size_t)o->rounds);
    report_add(o->report, "mail_read_per_s", median, "1/s", median, ">= 2000", median >= 2000);
}
