/* Enumeration and subscription templates (rules 11.3, 11.4): soundness, copies, matching. */
#ifndef OPENWFP_MODEL_TEMPLATE_H
#define OPENWFP_MODEL_TEMPLATE_H

#include "model_private.h"

/* FWP_E_NEVER_MATCH and others for a template that is not sound or could match nothing. */
uint32_t template_check(enum model_kind kind, const void *template_, struct model_error *error);
/* One allocation; NULL when memory is short. */
void *template_copy(enum model_kind kind, const void *template_);
/* Does the object match? NULL matches all that is not left out without flags (rule 11.3). */
bool template_matches(enum model_kind kind, const void *template_, const struct object *object);

#endif
