/*
 * hold rules: filters of the callouts that are always there, with a time and a default in their
 * raw context (openwfp.h).
 */
#ifndef OPENWFP_POLICY_HOLD_H
#define OPENWFP_POLICY_HOLD_H

#include "src/wfp/policy/meaning.h"

/* A clause of a hold rule. False when something was reported. */
bool hold_clause(const struct reader *reader, struct meaning *meaning, const struct clause *clause);
/* What the rule is besides; after its clauses. */
bool hold_check(const struct reader *reader, const struct meaning *meaning);

/* NULL: operations of this layer can't be held. */
const GUID *hold_callout(enum rule_layer layer, enum family family);

/* "30s", "1500ms" */
const char *hold_time(struct arena *arena, uint32_t ms);

#endif
