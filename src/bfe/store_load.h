/* Between store.c, which writes the journal, and store_load.c, which brings its policy back. */
#ifndef OPENWFP_BFE_STORE_LOAD_H
#define OPENWFP_BFE_STORE_LOAD_H

#include "store.h"

/* Opens both files, the store's session and its subscriptions, and restores. 0 or -errno, logged.
 */
int store_load(struct store *store, const struct store_paths *paths);

/* Of a descriptor that no object entry carries. */
void store_note_descriptor(struct store *store, enum model_kind kind, const GUID *key);

#endif
