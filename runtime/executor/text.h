/* Text from plugins and disks, made fit for messages. */
#ifndef TEXT_H
#define TEXT_H

/* Replaces, in place, control characters by "?", and every byte beyond ASCII too if the text is no
 * valid UTF-8. */
void text_clean(char *text);

#endif
