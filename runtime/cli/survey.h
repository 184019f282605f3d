/* What a policy governs, read from the files of the workspace without a kernel: manifests of agents
 * and connectors (the newest version of each that a connection or an agent name means), and the
 * policy compiled against them. Nothing is installed or changed. */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include "cli.h"
#include "manifest.h"
#include "policy.h"

typedef struct survey_plugin {
    manifest *manifest;
    char *folder;
    const char *from; /* "workspace" | "installed" | "shipped" */
} survey_plugin;

typedef struct survey {
    survey_plugin *plugins;
    size_t plugin_count;
    policy_world view; /* points into plugins and the workspace */
    policy *policy;    /* after survey_compile */
    workspace_policy *files;
    size_t file_count;
} survey;

/* A faulty manifest is told through `fault` (may be NULL) and left out. */
int survey_load(cli *c, survey **out, policy_warning *fault, void *ctx, diag *d);
void survey_free(survey *w);
/* A fault of the manifest when its entry is not beside it, or cannot be read. */
int survey_entry(const manifest *m, const char *folder, diag *d);
/* The policy of the workspace's own files. */
int survey_compile(cli *c, survey *w, policy_warning *warn, void *ctx, diag *d);
/* The newest plugin of that kind that a reference such as "com.keel.mailbox@0.1" means, or NULL. */
const survey_plugin *survey_find(const survey *w, const char *reference, plugin_kind kind);
const survey_plugin *survey_agent(const survey *w, const char *name);
/* The same by the manifest's name. NULL also where several ids have it: *twice says so. */
const survey_plugin *survey_connector(const survey *w, const char *name, bool *twice);

/* An effect as policy sees it; set owns its attributes, args and the texts must outlive both. */
typedef struct survey_effect {
    const char *agent, *target, *class;
    keel_json args;
    bool tainted;
    sensitivity level;
    policy_reply reply; /* as it was recorded; none: it cannot be told */
} survey_effect;
/* The rule's verdict, with the attributes computed. false when the target is not in the survey. */
bool survey_decide(const survey *w, const survey_effect *e, attr_set *set, policy_query *q,
                   policy_decision *out);

#endif
