/* Labels as people write them, in manifests and keel.yaml. Each: 0, or DIAG_USAGE at its place. */
#ifndef HOST_LABEL_READ_H
#define HOST_LABEL_READ_H

#include "label.h"
#include "yamltree.h"

/* public | internal | confidential | restricted */
int sensitivity_read(const yaml_tree *t, const yaml_node *n, sensitivity *out, diag *d);
/* { integrity: trusted, sensitivity: internal }: what is left out bounds nothing. */
int label_bound_read(const yaml_tree *t, const yaml_node *n, item_label *out, diag *d);

#endif
