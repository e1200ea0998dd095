/* Between store.c, which writes the journal, and store_load.c, which brings its policy back. */
#ifndef OPENWFP_BFE_STORE_LOAD_H
#define OPENWFP_BFE_STORE_LOAD_H

#include "store.h"

struct engine_code;

/* Opens the journal, the store's session and its subscriptions, and restores. 0 or -errno, logged.
 */
int store_load(struct store *store, const char *path);

/* Like store_note_security for what no object entry carries. */
void store_note_descriptor(struct store *store, enum model_kind kind, const GUID *key);
int store_put_code(struct store *store, const struct engine_code *code);

#endif
