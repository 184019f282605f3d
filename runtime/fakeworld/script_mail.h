/* The part of a script that says which mail there is. */
#ifndef FAKEWORLD_SCRIPT_MAIL_H
#define FAKEWORLD_SCRIPT_MAIL_H

#include "script.h"

/* `users`, `smtp` and `imap` of the script's root. What *out then holds belongs to the tree. */
int script_read_mail(mail_script *out, const yaml_tree *t, diag *d);

/* Whether a list of scalars holds the word, whatever its letters' case. NULL holds nothing. */
bool script_list_has(const yaml_node *list, const char *word);
/* Whether this login is one of the script's. */
bool script_login(const mail_script *m, const char *user, const char *password);
/* The mailbox of a name or an address: what stands before + and @, in small letters. */
void script_mailbox(const char *address, char *out, size_t size);
/* Whether the address has its mailbox here. */
bool script_is_local(const mail_script *m, const char *address);

#endif
